#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The round trip of ipvsadm -S and -R: nothing is lost on it, and a line that
# fails is named. The release (ipvsadm-orig) is the control of each.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

VS=10.1.0.100

orig() { in_director ipvsadm-orig "$@"; }

# all that a rule can say of a server
table_now() {
	ipvs -L -n --thresholds
	ipvs -L -n --tun-info
}

# round_trip SAVE RESTORE: the table, after it was saved, cleared and restored
round_trip() {
	local saved
	saved=$("$1" -S -n) && ipvs -C && "$2" -R <<<"$saved" && table_now
}

fill() {
	local nr=0 options
	ipvs -A -t $VS:8500 -s wlc -p 300
	ipvs -A -u $VS:8500 -s rr
	while read -r options; do
		nr=$((nr + 1))
		# shellcheck disable=SC2086 # options
		ipvs -a -t $VS:8500 -r 10.2.0.$((100 + nr)):8500 $options || return
	done <<-E
		-m -w 3 -x 1000 -y 100
		-g -x 2147483647
		-i -x 3 -y 3
		-i --tun-type gre --tun-csum -x 4
		-i --tun-type gue --tun-port 6080 --tun-nocsum -x 5 -y 1
		-m
	E
	ipvs -a -u $VS:8500 -r 10.2.0.11:1 -m -x 7
}

thresholds() {
	local before
	ktap_check "servers with thresholds, of each forwarding method" fill
	before=$(table_now)
	ktap_check "after -S and -R the table is what it was" \
		expect "$before" "$(round_trip ipvs ipvs)"
	ktap_check "... and the release reads the rules" \
		expect "$before" "$(round_trip ipvs orig)"
	ktap_check "a server without thresholds has none in its rule" \
		grep -qxe "-a -t $VS:8500 -r 10.2.0.106:8500 -m -w 1" \
		<(ipvs -S -n)
	ktap_check "the control: the release's -S loses them" \
		expect "0 0" "$(round_trip orig ipvs >/dev/null
		ipvs -L -n --thresholds -t $VS:8500 | awk '$1 == "->" && /:8500/ {
			x += $3; y += $4 } END { print x, y }')"
	ipvs -C
}

marks() {
	local before
	ipvs -A -f 4294967295 -s rr
	ipvs -A -f 2147483648 -6 -s rr
	before=$(table_now)
	ktap_check "marks of 32 bits are listed" \
		expect "FWM 2147483648 IPv6 FWM 4294967295" \
		"$(awk '/^FWM/ { print $1, $2, $3 == "IPv6" ? $3 : "" }' <<<"$before" |
			sort -u | xargs)"
	ktap_check "... and are there after -S and -R" \
		expect "$before" "$(round_trip ipvs ipvs)"
	ktap_check "the control: the release's rules are refused" \
		not round_trip orig ipvs
	ipvs -C
}

not() { ! "$@"; }

# has TEXT: in the rules
has() { ipvs -S -n | grep -qF -e "$1"; }

# Lines that fail, each in its way, between others that do not. The last is one
# of these.
flawed() {
	cat <<-E
		-A -t $VS:8501 -s rr

		-a -t $VS:8501 -r 10.2.0.11:8501 -m
		-A -t $VS:8501 -s rr
		-A -t 300.1.2.3:8502 -s rr
		-A -t $VS:8502 -s rr --no-such-option
		-A -t $VS:8502
		-a -t $VS:8599 -r 10.2.0.11:8501 -m
		-a -t $VS:8501 -r 10.2.0.11:8501 -m -w x
		-R
		-h
		-v
		-A -t $VS:8503 -s wlch --sched-param active=0
		-A -t $VS:8503 -s no-such-scheduler
		not-a-command
		-L -n -t $VS:8599
		-A -t $VS:8503 -s rr -b ,
		-a -t $VS:8502 -r 10.2.0.12:8502 -m
	E
}

# Each is named, in the order of the lines.
MESSAGES="line 4: Service already exists
line 5: illegal virtual server address[:port] specified
line 6: --no-such-option: unknown option
line 8: Service not defined
line 9: illegal weight specified
line 10: Try \`ipvsadm -h' or 'ipvsadm --help' for more information.
line 13: value \`0' for \`active' in --sched-param is out of range: allowed is a decimal number 1..4096
line 14: Scheduler or persistence engine not found
line 15: Try \`ipvsadm -h' or 'ipvsadm --help' for more information.
line 16: No such service
line 17: invalid scheduler flag \`,'
11 of 17 rules failed, the others took effect"

flaws() {
	local rc
	flawed | ipvs -R >/dev/null 2>"$ktap_out.err"
	rc=$?
	ktap_check "every line that fails is named" \
		expect "$MESSAGES" "$(cat "$ktap_out.err")"
	ktap_check "... the status says so" not expect 0 $rc
	ktap_check "... and all others took effect" expect \
		"-A -t $VS:8501 -s rr
-a -t $VS:8501 -r 10.2.0.11:8501 -m -w 1
-A -t $VS:8502 -s wlc
-a -t $VS:8502 -r 10.2.0.12:8502 -m -w 1" "$(ipvs -S -n)"
	ipvs -C
	flawed | orig -R >/dev/null 2>"$ktap_out.err"
	ktap_check "the control: the release leaves the rest out" \
		expect "-A -t $VS:8501 -s rr" "$(ipvs -S -n | head -n 1)"
	ktap_check "... where a line is wrong" \
		not has 8502
	rm "$ktap_out.err"
	ipvs -C
}

# The line that fails is not the last.
last_line() {
	local rules="-A -t $VS:8504 -s rr
-A -t $VS:8504 -s rr
-A -t $VS:8505 -s rr"
	ktap_check "a line that the kernel refuses makes -R fail" \
		not ipvs -R <<<"$rules"
	ipvs -C
	ktap_check "the control: the release's -R does not" orig -R <<<"$rules"
	ipvs -C
	ktap_check "without a flaw" ipvs -R <<<"-A -t $VS:8504 -s rr"
	ktap_check "... it says nothing" expect "" \
		"$(ipvs -R <<<"-A -t $VS:8505 -s rr" 2>&1)"
	ipvs -C
	printf '%s  ' "-A -t $VS:8506 -s rr" | ipvs -R
	ktap_check "a last line that ends with blanks is not lost" \
		expect "-A -t $VS:8506 -s rr" "$(ipvs -S -n)"
	ipvs -C
	printf '%s  ' "-A -t $VS:8507 -s rr" | orig -R
	ktap_check "the control: with the release it is" expect "" "$(ipvs -S -n)"
}

# Longer than the 4095 characters that the release has room for. It makes two words
# of one, or never ends: that depends on how it was compiled.
long_words() {
	local rule
	printf -v rule '%s -w %04500d' "-a -t $VS:8509 -r 10.2.0.11:8509 -m" 7
	ipvs -A -t $VS:8509 -s rr
	ktap_check "a word of 4500 characters is read" ipvs -R <<<"$rule"
	ktap_check "... as one" has "-r 10.2.0.11:8509 -m -w 7"
	ipvs -d -t $VS:8509 -r 10.2.0.11:8509
	ktap_check "the control: the release does not read it" \
		not in_director timeout -s KILL 20 ipvsadm-orig -R <<<"$rule"
	ktap_check "... and adds no server" \
		expect "-A -t $VS:8509 -s rr" "$(ipvs -S -n)"
	ipvs -C
}

# refuses STATUS TEXT COMMAND [ARGUMENT...]: it ends so, and says that
refuses() {
	local status=$1 text=$2 said rc
	shift 2
	said=$("$@" 2>&1 >/dev/null)
	rc=$?
	expect "$status: $text" "$rc: $said"
}

# Rules are lost where these come from, or go to.
disk_errors() {
	local list
	ipvs -A -t $VS:8511 -s rr
	ktap_check "rules that can not be read: -R fails" \
		refuses 1 "line 1 can not be read, nor what follows" ipvs -R </
	ktap_check "the control: the release's -R does not" orig -R </
	for list in "-S -n" "-L -n" "-L --json" ""; do
		# shellcheck disable=SC2086 # options
		ktap_check "a list that can not be written: ipvsadm $list fails" \
			refuses 1 "the output can not be written" to_full ipvs $list
	done
	ktap_check "the control: the release's -S does not" to_full orig -S -n
	ipvs -C
}

# Half a line is no rule, or another one: as with 3 s instead of 300.
half_rules() {
	local half
	for half in "-A -t $VS:8513 -s rr -p 3" "-A -t $VS:8513 -s rr  "; do
		ktap_check "'$half' and an error: -R fails" refuses 1 \
			"line 2 can not be read, nor what follows" \
			ends_with_error ipvsadm "$half"
		ktap_check "'$half' and an error: the line before took effect" \
			expect "-A -t $VS:8512 -s rr" "$(ipvs -S -n)"
		ipvs -C
	done
	ends_with_error ipvsadm-orig "-A -t $VS:8513 -s rr -p 3"
	ktap_check "the control: the release runs half a rule" \
		has "-A -t $VS:8513 -s rr -p 3"
	ipvs -C
}

# ends_with_error IPVSADM HALF: -R of a rule and of half a line
ends_with_error() {
	printf '%s\n%s' "-A -t $VS:8512 -s rr" "$2" |
		in_director env LD_PRELOAD="$(type -P input_error)" "$1" -R
}

# What goes to stdout of the test goes to a disk that is full.
to_full() { "$@" >/dev/full; }

# Programs write a line and read what it says before they write the next.
line_by_line() {
	local answer
	coproc in_director ipvsadm -R 2>&1
	# shellcheck disable=SC2153 # bash sets it
	echo "-A -t 300.1.2.3:1" >&"${COPROC[1]}"
	read -r -t 60 answer <&"${COPROC[0]}"
	expect "line 1: illegal virtual server address[:port] specified" \
		"$answer" || return
	echo "-A -t $VS:8508 -s rr" >&"${COPROC[1]}"
	poll 30 has "$VS:8508" || return
	eval "exec ${COPROC[1]}>&-"
	not wait "$COPROC_PID"
}

wlch_start
thresholds
marks
flaws
last_line
long_words
disk_errors
half_rules
ktap_check "each line takes effect as it comes" line_by_line
ktap_end
