# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Building kernels from Debian's source, once, in the cache folder. Sourced by uml.sh
# and debug.sh, after apt.sh.

# not_met CONFIG FILE...: the lines of the files that the configuration does not
# fulfil. Dependencies that are not met drop a symbol without a word.
not_met() {
	local config=$1 line
	shift
	grep -h '^CONFIG_' "$@" | while read -r line; do
		case $line in
		*=n)	! grep -q "^${line%n}" "$config" ;;
		*)	grep -qxF "$line" "$config" ;;
		esac || echo "$line"
	done
}

# shellcheck disable=SC2154 # where the source is, of who sources this
# configure DIR ARCH BASE FILE...: the kernel's own target BASE, and then the lines of
# the files; of a symbol that two of them have the last counts.
configure() {
	local dir=$1 arch=$2 base=$3 missing
	shift 3
	make -s -C "$source" ARCH="$arch" O="$dir" "$base" || return
	cat "$@" >"$dir/wanted"
	cat "$dir/wanted" >>"$dir/.config"
	make -s -C "$source" ARCH="$arch" O="$dir" olddefconfig || return
	missing=$(not_met "$dir/.config" "$dir/wanted")
	[ -z "$missing" ] || { printf 'the kernel does not have:\n%s\n' "$missing"; return 1; }
}

# what is not needed to run it nor to build modules for it
trim() {
	find "$1" \( -path "$1/scripts" -o -path "$1/tools/objtool" -o -path "$1/lib/modules" \) \
		-prune -o -type f \( -name '*.o' -o -name '*.a' -o -name '*.ko' -o \
		-name '.*.cmd' -o -name '.tmp_*' -o -name 'vmlinux*' \) -exec rm {} +
}

# compile DIR ARCH [TARGET...]: warnings of Debian's source are not ours to look at
compile() {
	local dir=$1 arch=$2
	shift 2
	make -s -C "$source" ARCH="$arch" O="$dir" -j"$(nproc)" "$@"
}

# key FILE...: what is to change when one of them does
key() { cat "$@" | sha256sum | cut -c 1-16; }

# once DIR WHAT BUILD...: call BUILD with a folder that becomes DIR when it succeeds.
# Others that build wait meanwhile.
once() {
	local dir=$1 what=$2 tmp
	shift 2
	[ ! -d "$dir" ] || return 0
	mkdir -p "${dir%/*}"
	exec 9>"${dir%/*}/.lock" && flock 9
	[ ! -d "$dir" ] || return 0
	tmp=$(mktemp -d "$dir.XXXXXX") || return
	# shellcheck disable=SC2064 # the name as it is now
	trap "rm -rf '$tmp'" EXIT
	say "building $what, some minutes, once"
	"$@" "$tmp" >"$tmp/build.log" 2>&1 || { tail -n 20 "$tmp/build.log" >&2; return 1; }
	chmod 755 "$tmp"
	mv "$tmp" "$dir"
}
