# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Requests of the family ipvs_wlch as bytes, for genl_send: attributes are
# written as hexadecimal digits.

# shellcheck disable=SC2034 # for the scripts
FAMILY=ipvs_wlch
# shellcheck disable=SC2034 # for the scripts
GET_SERVICE=1 SET_SERVICE=2 GET_SERVER=3 GET_DEFAULTS=4 SET_DEFAULTS=5 ZERO=6
NESTED=0x8000

# attr TYPE HEX: an attribute
attr() {
	local len=$((4 + ${#2} / 2)) pad
	printf -v pad '%*s' $((2 * ((4 - len % 4) % 4))) ''
	printf '%s%s%s%s' "$(u16 $len)" "$(u16 $(($1)))" "$2" "${pad// /0}"
}

u16() { printf '%02x%02x' $(($1 & 255)) $(($1 >> 8)); }
u32() { printf '%s%s' "$(u16 $(($1 & 65535)))" "$(u16 $(($1 >> 16)))"; }
be16() { printf '%04x' "$1"; }

# params KEY-NUMBER VALUE...: the nest of parameters
params() {
	local nest=""
	while [ $# -gt 0 ]; do
		nest+=$(attr "$1" "$(u32 "$2")")
		shift 2
	done
	attr $((6 | NESTED)) "$nest"
}

# by_mark MARK [FAMILY]: the key of a service by mark; AF_INET is 2
by_mark() { attr 1 "$(u16 "${2:-2}")"; attr 5 "$(u32 "$1")"; }

# answers WANT ARGUMENT...: genl_send prints WANT
answers() {
	local want=$1
	shift
	expect "$want" "$(in_director genl_send "$@" 2>&1)" answer
}

accepts() { answers "error=0 messages=0 text=" "$FAMILY" "$@"; }
