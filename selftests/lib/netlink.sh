# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Attributes for genl_send, in hexadecimal digits.

# shellcheck disable=SC2034 # for the scripts
NESTED=0x8000

# attr TYPE HEX: an attribute, in hexadecimal digits
attr() {
	local len=$((4 + ${#2} / 2)) pad
	printf -v pad '%*s' $((2 * ((4 - len % 4) % 4))) ''
	printf '%s%s%s%s' "$(u16 $len)" "$(u16 $(($1)))" "$2" "${pad// /0}"
}

u16() { printf '%02x%02x' $(($1 & 255)) $(($1 >> 8)); }
u32() { printf '%s%s' "$(u16 $(($1 & 65535)))" "$(u16 $(($1 >> 16)))"; }
be16() { printf '%04x' "$1"; }
