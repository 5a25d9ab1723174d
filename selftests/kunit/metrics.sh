#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# wlch-metrics says what ipvsadm says, in a format that PROMTOOL takes and NODE_EXPORTER
# passes on, or says why it cannot and keeps the file as it was. The alerts on it are tested
# by ../check/alerts.sh.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/../lib/handshakes.sh"

VS=10.1.0.100
EXPORTER=$(readlink -f "$(dirname "$0")/../../metrics/wlch-metrics")

metrics() { in_director "$EXPORTER" "$@"; }

fill() {
	serve "$SERVER1" 8901 && serve "$SERVER2" 8901 && service 4 8901 m wlch || return
	ipvs -R <<-R
		-E -t $VS:8901 -s wlch --sched-param active=9,halfopen=7,refused=5,inactive=2
		-e -t $VS:8901 -r 10.2.0.12:8901 -m -w 3
		-A -t [fd00:1::100]:8901 -s wlch --sched-param slowstart=60
		-a -t [fd00:1::100]:8901 -r [fd00:2::11]:8901 -g -w 5
		-A -u $VS:8901 -s wlch --sched-param choices=2
		-a -u $VS:8901 -r 10.2.0.11:8901 -i -w 0
		-A -f 7 -s wlch
		-a -f 7 -r 10.2.0.11 -g -w 6
		-A -f 7 -6 -s wlch
		-a -f 7 -6 -r fd00:2::12 -g -w 4
		-A -t $VS:8902 -s rr
		-a -t $VS:8902 -r 10.2.0.11:8902 -g
	R
}

# 20 clients are connected, and 6 wait
traffic() {
	clients 4 8901 20
	expect 20 "$(clients_connected)" connected && clients_stay || return
	unheard_clients 4 8901 6 && poll 30 half_open_total_is 4 8901 6
}

# samples METRIC: without the names of labels, in order
samples() {
	sed -n "s/^$1{\(.*\)} /\1 /p" "$file" | sed 's/[a-z]*=//g; s/"//g' | sort
}

# The same of the list: PROTO,SERVICE,SERVER and the number of a column
listed() {
	ipvs -L -n --sched-param | awk -v n="$1" '
		/^(TCP|UDP|FWM) / {
			service = $1 "," $2 ($3 == "IPv6" ? " IPv6" : "")
			wlch = / wlch/
		}
		$1 == "->" && wlch && $NF ~ /^[0-9]+$/ {
			print service "," $2 " " $n
		}' | sort
}

# of STATE: the connections in it
of() { samples ipvs_wlch_connections | sed -n "s/,$1 / /p" | sort; }

write() { metrics "$file"; }

# The counters move while clients wait for another SYN: then once more
agrees() {
	write || return
	expect "$(listed 4)" "$(samples ipvs_wlch_weight)" weight &&
		expect "$(listed 7)" "$(of half_open)" half_open &&
		expect "$(listed 8)" "$(of refused)" refused &&
		expect "$(listed 9)" "$(samples ipvs_wlch_load)" load &&
		expect "$(listed 10)" "$(samples ipvs_wlch_picks_total)" picks &&
		expect "$(listed 11)" "$(samples ipvs_wlch_effective_weight)" "effective weight"
}

# has LINE: as it is
has() { grep -Fx -- "$1" "$file" || { cat "$file"; return 1; }; }

has_connections() {
	local server key
	for server in 10.2.0.11 10.2.0.12; do
		key="proto=\"TCP\",service=\"$VS:8901\",server=\"$server:8901\""
		has "ipvs_wlch_connections{$key,state=\"established\"} $(in_state $server ESTABLISHED)" &&
			has "ipvs_wlch_connections{$key,state=\"half_open\"} $(in_state $server SYN_RECV)" ||
			return
	done
}

# in_state SERVER STATE: by the connection table
in_state() {
	in_director cat /proc/net/ip_vs_conn |
		awk -v server="$(proc_address "$1")" -v state="$2" '
			$6 == server && $8 == state { n++ } END { print n + 0 }'
}

has_parameters() {
	local key="proto=\"TCP\",service=\"$VS:8901\""
	has "ipvs_wlch_factor{$key,state=\"established\"} 9" &&
		has "ipvs_wlch_factor{$key,state=\"half_open\"} 7" &&
		has "ipvs_wlch_factor{$key,state=\"refused\"} 5" &&
		has "ipvs_wlch_factor{$key,state=\"inactive\"} 2" &&
		has "ipvs_wlch_slowstart_seconds{proto=\"TCP\",service=\"[fd00:1::100]:8901\"} 60" &&
		has "ipvs_wlch_choices{proto=\"UDP\",service=\"$VS:8901\"} 2" &&
		has 'ipvs_wlch_weight{proto="FWM",service="7",server="10.2.0.11:0"} 6' &&
		has 'ipvs_wlch_weight{proto="FWM",service="7 IPv6",server="[fd00:2::12]:0"} 4'
}

# The load is what the other samples say
load_adds_up() {
	awk '/^ipvs_wlch_factor.*TCP.*'"$VS:8901"'/ {
			match($0, /state="[a-z_]*"/)
			factor[substr($0, RSTART, RLENGTH)] = $NF
		}
		/^ipvs_wlch_(connections|load).*TCP.*'"$VS:8901"'.*10.2.0.12/ {
			if (match($0, /state="[a-z_]*"/))
				count[substr($0, RSTART, RLENGTH)] = $NF
			else
				load = $NF
		}
		END {
			for (state in factor)
				sum += factor[state] * count[state]
			printf "%d, and by the factors %d\n", load, sum
			exit load != sum || !load
		}' "$file"
}

no_rr() { ! grep -F :8902 "$file"; }

promtool() { "$PROMTOOL" check metrics <"${1:-$file}"; }

# a counter without _total, a type that comes twice, a line that is no sample
promtool_looks() {
	local change
	for change in 's/picks_total/picks/' 's/^# HELP .*//' '$ s/$/ x/'; do
		sed "$change" "$file" >"$file.broken"
		! promtool "$file.broken" || { echo "it takes what $change makes of it"; return 1; }
	done
	rm "$file.broken"
}

# What node_exporter's textfile collector makes of the folder
scraped() {
	local pid
	"$NODE_EXPORTER" --collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$folder" --web.listen-address=127.0.0.1:9100 \
		>"$fake/exporter.log" 2>&1 &
	pid=$!
	poll 60 scrape || cat "$fake/exporter.log"
	kill $pid
	wait $pid
	grep '^node_textfile' "$fake/scraped"
}

scrape() {
	{
		printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 &&
			timeout 10 cat <&3 >"$fake/scraped"
	} 3<>/dev/tcp/127.0.0.1/9100
}

# passed_on FILTER: the lines are the same on both sides. node_exporter has the labels in
# the order of their names.
passed_on() {
	diff <(grep "$1" "$file" | sed -E 's/(service="[^"]*"),(server="[^"]*")/\2,\1/' | sort) \
		<(grep "$1" "$fake/scraped" | sort)
}

node_exporter_takes_it() {
	scraped && grep -Fx 'node_textfile_scrape_error 0' "$fake/scraped" &&
		grep "^node_textfile_mtime_seconds{file=\".*ip_vs_wlch.prom\"}" "$fake/scraped"
}

# a last line that is cut off
node_exporter_looks() {
	local rc
	echo 'ipvs_wlch_load{proto=' >>"$file"
	scraped && grep -Fx 'node_textfile_scrape_error 1' "$fake/scraped"
	rc=$?
	sed -i '$ d' "$file"
	return $rc
}

# keeps TEXT COMMAND...: it fails and says so, and the file is what it was
keeps() {
	local text=$1 before said
	shift
	before=$(ls -li "$file" && cat "$file")
	! said=$("$@" 2>&1) || { echo "it succeeded"; return 1; }
	grep -qF -- "$text" <<<"$said" || { echo "$said"; return 1; }
	expect wlch-metrics: "${said%% *}" "who says so" &&
		expect "$before" "$(ls -li "$file" && cat "$file")" "the file" &&
		expect "$file" "$(ls "$folder"/*)" "files in the folder"
}

# with_ipvsadm COMMAND: an ipvsadm that does that
with_ipvsadm() {
	printf '#!/bin/sh\n%s\n' "$1" >"$fake/ipvsadm"
	chmod 755 "$fake/ipvsadm"
	in_director env PATH="$fake:$PATH" "$EXPORTER" "$file"
}

# What it prints when there is no FILE
same_on_stdout() { diff <(metrics | grep '^#') <(grep '^#' "$file"); }

readable() { expect 644 "$(stat -c %a "$file")" mode; }

no_services() {
	ipvs -C
	write && promtool && expect 0 "$(grep -vc '^#' "$file")" samples
}

errors() {
	ktap_check "an ipvsadm that is too old: it says so, and keeps the file" keeps \
		"is too old, it has no --json: install the patched one" \
		with_ipvsadm 'exec ipvsadm-orig "$@"'
	ktap_check "ipvsadm fails: its own words" keeps "ipvsadm -L --json fails: no such thing" \
		with_ipvsadm 'echo no such thing >&2; exit 1'
	ktap_check "... and so if it only warns" keeps "fails: cannot ask" \
		with_ipvsadm 'echo "cannot ask" >&2; echo "{\"services\": []}"'
	ktap_check "what is no JSON" keeps "cannot read what ipvsadm -L --json prints" \
		with_ipvsadm 'echo "{ services"'
	ktap_check "... or other JSON" keeps "it is no table of services" with_ipvsadm 'echo "{}"'
	ktap_check "... or cut off" keeps "cannot read what ipvsadm -L --json prints" \
		with_ipvsadm "head -c 200 $folder/../table"
	ktap_check "... or nothing" keeps "prints nothing" with_ipvsadm :
	ktap_check "wlch's counters are missing" keeps "it has no counters of wlch" \
		with_ipvsadm "jq 'del(.services[].wlch, .services[].servers[].wlch)' $folder/../table"
	ktap_check "no right to ask" keeps "ipvsadm -L --json fails" \
		in_director setpriv --bounding-set -all --inh-caps -all --reuid 0 "$EXPORTER" "$file"
	ktap_check "no such folder" keeps "there is no folder $folder/none" \
		metrics "$folder/none/x.prom"
}

no_module() {
	rmmod ip_vs_wlch || return
	keeps "the module is not loaded: modprobe ip_vs_wlch" metrics "$file"
	set -- $?
	modprobe ip_vs_wlch
	return "$1"
}

wlch_start
folder=$(mktemp -d)/collector
fake=$(mktemp -d)
mkdir "$folder"
file=$folder/ip_vs_wlch.prom
ktap_check "services of every kind" fill
ktap_check "20 clients connect, and 6 wait" traffic
ktap_check "the values are those that ipvsadm lists" poll 30 agrees
ktap_check "... and of the connection table" poll 30 eval 'write && has_connections'
ktap_check "the parameters, and services by mark" has_parameters
ktap_check "the load is the sum of connections times factors" load_adds_up
ktap_check "services of other schedulers are left out" no_rr
ktap_check "promtool check metrics has nothing to say" expect "" "$(promtool 2>&1)"
ktap_check "... but it does of what is wrong" promtool_looks
ktap_check "node_exporter takes it" node_exporter_takes_it
ktap_check "... and passes all samples on" passed_on '^ipvs_wlch'
ktap_check "... and their types and descriptions" passed_on '^# .* ipvs_wlch'
ktap_check "... but it says so if it is cut off" node_exporter_looks
ktap_check "the collector may read it" readable
ktap_check "without a file it is printed" same_on_stdout
ipvs -L --json >"$folder/../table"
errors
ktap_check "a table without services" no_services
unblock_servers
poll 90 references_are 0
ktap_check "the module is not loaded" no_module
rm -rf "${folder%/*}" "$fake"
ktap_end
