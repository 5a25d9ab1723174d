#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The commands of the manual: README.md and Documentation. Those with the prompt "# "
# run on a director, "server# " on a real server, "backup# " on another director, and
# succeed, in their order. Those that cannot run here, and all with "$ ", are in
# commands.txt, with who runs them, or why nobody does.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=selftests/lib/backup.sh
. "$(dirname "$0")/../lib/backup.sh"

here=$(readlink -f "$(dirname "$0")")
TOP=$(readlink -f "$here/../..")
PATH=$TOP/metrics:$PATH
LIST=$here/commands.txt

# What begins a line of a literal block is a command if it is one of these words
WORDS='ipvsadm|make|sudo|modprobe|insmod|rmmod|apt|apt-get|apt-mark|dkms|mokutil|systemctl'
WORDS+='|promtool|wlch-metrics|sysctl|ip|nft|openssl|dpkg-buildpackage|patch|cd|perf|trace-cmd'
WORDS+='|bpftrace|insmod|lsmod|lsns|modinfo|dmesg'

# commands PAGE...: WHERE, a tab, the prompt, a tab, the command. It goes on in the next
# lines until bash takes it for complete.
commands() {
	local page nr line prompt command where goes_on=false
	while IFS=$'\t' read -r page nr line; do
		if $goes_on; then
			command+=$'\n'$line
		elif [[ $line =~ ^(|server|backup)[#$]\  ]]; then
			prompt=${BASH_REMATCH[0]}
			command=${line#"$prompt"}
			where=${page##*/}:$nr
		elif [[ $line =~ ^($WORDS)\  ]]; then
			printf '%s\tnone\t%s\0' "${page##*/}:$nr" "$line"
			continue
		else
			continue
		fi
		goes_on=false
		if [[ $command == *[\\\|] ]] || ! bash -n <<<"$command" 2>/dev/null; then
			goes_on=true
			continue
		fi
		# without what it says of itself
		command=${command%%  # *}
		printf '%s\t%s\t%s\0' "$where" "$prompt" "${command%"${command##*[! ]}"}"
	done < <(awk -f "$here/commands.awk" "$@")
	! $goes_on || printf '%s\tnone\t%s\0' "$where" "$command"
}

# listed COMMAND: with a pattern of commands.txt; it is noted in $used
listed() {
	local pattern
	while IFS=$'\t' read -r pattern _; do
		# shellcheck disable=SC2053 # a pattern
		[[ -n $pattern && $pattern != "#"* && $1 == $pattern ]] || continue
		used[$pattern]=1
		return 0
	done <"$LIST"
	return 1
}

# run PROMPT COMMAND: where the prompt says
run() {
	case $1 in
	'# ')	in_director bash -c "$2" ;;
	'server# ') ip netns exec "$SERVER1" bash -c "$2" ;;
	'backup# ') in_backup bash -c "$2" ;;
	*)	echo "commands.txt does not say why it is not run"
		return 1 ;;
	esac
}

# What a page takes for granted
prepare() {
	ipvs -C
	on_backup ipvs -C
	ipvs --sched-default slowstart=0
	case $1 in
	*troubleshooting.rst | *install.rst)
		service 4 80 m wlch && ipvs -S -n | sed "s/${VIP[4]}:80/192.0.2.1:80/" | ipvs -R ;;
	esac
}

# page_runs PAGE
page_runs() {
	local where prompt command
	prepare "$1"
	while IFS=$'\t' read -r -d '' where prompt command; do
		if [ "$prompt" = none ]; then
			ktap_check "$where: has no prompt, or no end: $command" false
		elif ! listed "$command"; then
			ktap_check "$where: ${command//$'\n'/ }" run "$prompt" "$command"
		fi
	done < <(commands "$1")
}

# All that is listed is in some page
none_in_vain() {
	local pattern rc=0
	while IFS=$'\t' read -r pattern _; do
		[[ -z $pattern || $pattern == '#'* || -n ${used[$pattern]-} ]] ||
			{ echo "no page has $pattern"; rc=1; }
	done <"$LIST"
	return $rc
}

every_reason() { ! grep -v '^#' "$LIST" | grep -vP '^[^\t]+\t+[^\t]+$'; }

# finds WANT TEXT: in a page with that literal block
finds() {
	printf 'A page::\n\n    %s\n\nand text:\n    # no command\n' "$2" >"$work/page.rst"
	expect "$1" "$(commands "$work/page.rst" | tr '\0\n' ';,')"
}

# fails COMMAND: if a page has that
fails() { ! run '# ' "$1"; }

wlch_start
work=$(mktemp -d)
declare -A used=()
ktap_check "a second director" backup_up
ktap_check "a command is found, and its end" finds $'page.rst:3\t# \techo a |,cat;' \
	$'# echo a |\n    cat\n    its output'
ktap_check "... and one without a prompt" finds $'page.rst:3\tnone\tipvsadm -L -n;' 'ipvsadm -L -n'
ktap_check "... and one without an end" finds $'page.rst:3\tnone\techo "a;' '# echo "a'
ktap_check "one that fails is seen" fails 'ipvsadm -L -t 192.0.2.1:9'
for page in "$TOP"/README.md "$TOP"/Documentation/*.{rst,md}; do
	page_runs "$page"
done
ktap_check "commands.txt has only what some page has" none_in_vain
ktap_check "... each with a reason" every_reason
rm -rf "$work"
ktap_end
