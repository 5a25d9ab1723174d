#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each call of the module that may find no memory, or fail otherwise, does so: in all
# that an administrator may do, each time that it is made. Then all was done or nothing,
# connections are scheduled on with what there is, and to do it again does it. What the
# core allocates for a request is in memory.sh, and connections in failslab.sh.
#
# With the build of the module that threads.sh has. Whether anything is lost is seen where
# SLUB notes who allocated (slub_debug=U), or by kmemleak.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=selftests/lib/module.sh
. "$(dirname "$0")/../lib/module.sh"
# shellcheck source=selftests/lib/memory.sh
. "$(dirname "$0")/../lib/memory.sh"
# shellcheck source=selftests/lib/faults.sh
. "$(dirname "$0")/../lib/faults.sh"

PORT=9600	# of a service with three servers
PARAMS=$(but active=7)
vs=10.1.0.100:$PORT

shown() { ipvs -L -n "$@" --sched-param | sed -n 's/^  sched-param //p'; }

add() { ipvs -A -t 10.1.0.100:9700 -s wlch; }
add_params() { ipvs -A -t 10.1.0.100:9700 -s wlch --sched-param active=7; }
added() { nothing_or "$1" expect "$DEFAULTS" "$(shown -t 10.1.0.100:9700)" parameters; }
added_params() { nothing_or "$1" expect "$PARAMS" "$(shown -t 10.1.0.100:9700)" parameters; }

# Numbers, also where there is no memory for the table of the service's servers
counted() { expect "0 0 0" "$(half_open 4 "$1")" "half-open of the servers"; }

# The core tries to bring the scheduler back that the service had.
to_wlch() { ipvs -E -t 10.1.0.100:$((PORT + 2)) -s wlch; }
to_wlc() { ipvs -E -t 10.1.0.100:$((PORT + 2)) -s wlc; }
switched() {
	nothing_or "$1" expect "$DEFAULTS" "$(shown -t 10.1.0.100:$((PORT + 2)))" parameters &&
		nothing_or "$1" counted $((PORT + 2)) && works $((PORT + 2))
}

# A scheduler cannot refuse a server. It gets connections, though there was no memory
# for what is to be known of it.
has_server() { ipvs -S -n | grep -qF -- "-a -t $vs -r $1 -m -w $2"; }
add_server() { ipvs -a -t $vs -r 10.2.0.12:$((PORT + 1)) -m -w 5; }
remove_server() { ipvs -d -t $vs -r 10.2.0.12:$((PORT + 1)); }
server_added() {
	expect 0 "$1" status && has_server 10.2.0.12:$((PORT + 1)) 5 &&
		gets_some 10.2.0.12 $((PORT + 1))
}

# gets_some ADDRESS PORT: by the table, as IPVS sums its statistics up every 2 s only
gets_some() {
	local from port
	printf -v from %04X $source_port
	printf -v port %04X "$2"
	works && works || return
	in_director cat /proc/net/ip_vs_conn |
		awk -v from="$from" -v server="$(proc_address "$1") $port" '
			$6 " " $7 == server && $3 "" >= from { found = 1 }
			END { exit !found }' && return
	echo "none of the connections went to $1:$2"
	return 1
}

take_server() { ipvs -d -t $vs -r 10.2.0.12:$PORT; }
give_server() { ipvs -a -t $vs -r 10.2.0.12:$PORT -m -w 1; }
server_taken() { expect 0 "$1" status && ! has_server 10.2.0.12:$PORT 1; }

weigh() { ipvs -e -t $vs -r 10.2.0.12:$PORT -m -w 2; }
weigh_back() { ipvs -e -t $vs -r 10.2.0.12:$PORT -m -w 1; }
weighed() { expect 0 "$1" status && has_server 10.2.0.12:$PORT 2; }

parameter() { ipvs -E -t $vs -s wlch --sched-param "$1"; }
draw() { parameter choices=2; }
draw_no_more() { parameter choices=0; }
drawing() { nothing_or "$1" expect "$(but choices=2)" "$(shown -t $vs)" parameters; }
revalue() { parameter active=7; }
revalue_back() { parameter active=8; }
revalued() { nothing_or "$1" expect "$PARAMS" "$(shown -t $vs)" parameters; }

defaults() { ipvs --sched-default active=7; }
defaults_back() { ipvs --sched-default active=8; }
defaults_set() {
	local now
	now=$(ipvs -L --sched-default)
	case $1:$now in
	0:*active=7,* | [1-9]*:*active=8,*) ;;
	*) echo "status $1, $now"; return 1 ;;
	esac
}

list() { ipvs -L -n --sched-param && ipvs -L --sched-default; }
listed() { [ "$1" -ne 0 ] || grep -q "^Scheduler defaults" "$said"; }

delete() { ipvs -D -t 10.1.0.100:$((PORT + 3)); }
deleted() { expect 0 "$1" status && expect "" "$(rules | grep -F ":$((PORT + 3)) ")" rules; }
undelete() { service_of wlch 10.1.0.100:$((PORT + 3)); }

# Each call that is made when the module is loaded
loads() {
	local site loaded
	rmmod ip_vs_wlch
	while read -r site; do
		since_now
		insmod "$test_module" "fault=\"$site 1\"" 2>/dev/null
		loaded=$?
		if [ $loaded -eq 0 ]; then
			# the family comes later, and the scheduler does without
			[ "$(<"$(fault_file)")" = "0 0 -" ] || loaded_without_family || return
			rmmod ip_vs_wlch || return
		fi
		if log_since | grep -qF "let fail: $site"; then
			reached[$site]=1
			failures=$((failures + 1))
		elif [ $loaded -ne 0 ]; then
			echo "not loaded, and $site did not fail"
			return 1
		fi
		if ! insmod "$test_module" || ! add || ! delete_added || ! rmmod ip_vs_wlch; then
			echo "after $site failed the module could not be loaded, used and removed"
			return 1
		fi
	done < <(sites)
	insmod "$test_module"
}

loaded_without_family() {
	add && works_without_family && delete_added
}

works_without_family() {
	! add_params 2>/dev/null && expect 1 "$(rules | grep -c ":9700 ")" services
}

wlch_start
test_module_need "$test_module"
trap 'test_module_end; topology_down' EXIT
test_module_start || exit
# where nobody listens no events are made
in_director genl_listen >/dev/null &
listener=$!
serve "$SERVER1" $PORT $((PORT + 1)) && serve "$SERVER2" $PORT $((PORT + 1)) || exit
service_of wlch $vs
service_of wlc 10.1.0.100:$((PORT + 2))
ktap_check "the services work" works
operation "add a service" add added delete_added
operation "add a service with parameters" add_params added_params delete_added
operation "let a service use wlch" to_wlch switched to_wlc
operation "add a server" add_server server_added remove_server
operation "remove a server" take_server server_taken give_server
operation "set choices" draw drawing draw_no_more
draw
operation "change a weight, with choices" weigh weighed weigh_back
draw_no_more
operation "set a factor" revalue revalued revalue_back
operation "set a default" defaults defaults_set defaults_back
operation "list" list listed true
undelete
operation "delete a service" delete deleted undelete
ipvs -C
kill $listener
ktap_check "nothing refers to the module" poll 100 references_are 0
before=$failures
ktap_check "load the module: it is loaded, or it is not" loads
ktap_note "load the module: $((failures - before)) failures"
ktap_check "each of $(sites | wc -l) calls has failed" each_reached
ktap_note "$(sites | wc -l) calls, $failures failures"
rm -f "$said"
ktap_end
