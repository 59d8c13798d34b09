# Shared by the scripts of this folder: messages, the cache's place and the list of pinned parts. Sourced, not run.
# shellcheck shell=bash

me=$(basename "$0")
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$scripts")
lock_file=$scripts/parts.lock
step_open=
export LC_ALL=C.UTF-8 # the tools' messages are searched below, and Java needs UTF-8 for paths in Chinese
umask 022             # Postgres runs as another user than root and reads what root unpacks
PATH=$PATH:/usr/local/go/bin:/usr/sbin:/sbin # where a bare login shell often forgets to look

say() { printf '%s: %s\n' "$me" "$*" >&2; }

# step MESSAGE begins the line of one step, step_done [WHAT] ends it with the seconds it took.
step() {
	printf '%s: %s ... ' "$me" "$*" >&2
	step_open=1 step_start=$SECONDS
}
step_done() {
	printf '%s%d s\n' "${1:+$1, }" $((SECONDS - step_start)) >&2
	step_open=
}

# fail prints the one line that says what is wrong and what mends it, and ends the script.
fail() {
	[ -z "$step_open" ] || printf 'failed\n' >&2
	step_open=
	say "$*"
	exit 1
}

# logged WHAT MEND COMMAND... runs COMMAND quietly; when it fails, its last error becomes part of our one line.
logged() {
	local what=$1 mend=$2 log reason code=0
	shift 2
	log=$(mktemp "${TMPDIR:-/tmp}/qiuzhen-$me.XXXXXX") ||
		fail "cannot write to ${TMPDIR:-/tmp} (full or read-only?); free space there, or set TMPDIR to another folder"
	"$@" >"$log" 2>&1 </dev/null || code=$?
	if [ "$code" = 0 ]; then
		rm -f "$log"
		return
	fi
	sed -i 's/\x1b\[[0-9;]*m//g' "$log" # Maven colours even a file
	if grep -qiE 'no space left on device|errno 28\b|disk quota exceeded' "$log"; then
		rm -f "$log"
		fail "disk full (ENOSPC) at: $what; free some space, or put the cache on another disk with QIUZHEN_RUNTIME, then run it again"
	fi
	reason=$(grep -m1 -E '^(\[ERROR\]|ERROR:|E:|error:|fatal:) *[^ ]' "$log" || grep -m1 -iE 'error|fatal|not found|denied|fail' "$log" || true)
	[ -n "$reason" ] || reason=$(grep -v '^[[:space:]]*$' "$log" | tail -1 || true)
	[ -n "$reason" ] || reason="it ended with status $code"
	fail "could not $what: ${reason:0:300}; $mend (all of its output: $log)"
}

# cache_folder prints where the runtime lies: the same rule as DefaultRuntime in parts/parts.go.
cache_folder() {
	if [ -n "${QIUZHEN_RUNTIME:-}" ]; then
		printf '%s\n' "${QIUZHEN_RUNTIME%/}"
	elif [ "$(id -u)" = 0 ]; then
		printf '/var/cache/qiuzhen\n'
	elif [ -n "${XDG_CACHE_HOME:-}" ]; then
		printf '%s/qiuzhen\n' "${XDG_CACHE_HOME%/}"
	elif [ -n "${HOME:-}" ]; then
		printf '%s/.cache/qiuzhen\n' "${HOME%/}"
	else
		printf '%s/qiuzhen-cache\n' "${TMPDIR:-/tmp}"
	fi
}

# part_lines prints the lines of the pinned parts; part_files FOLDER prints "SHA-256  path" of what a part must hold.
part_lines() { grep '^part|' "$lock_file"; }
part_files() { awk -F'|' -v f="$1" '$1 == "file" && $2 == f { print $4 "  " $3 }' "$lock_file"; }

# complete CACHE FOLDER SHA: the part was unpacked whole from that very package, and nobody took its files away.
# It trusts the stamp and reads no big file, since every `make test` comes by here.
complete() {
	local dir=$1/$2 stamp= path
	{ read -r stamp <"$dir/.complete"; } 2>/dev/null || return 1
	[ "$stamp" = "$3" ] || return 1
	while read -r _ path; do
		[ -r "$dir/$path" ] || return 1
	done < <(part_files "$2")
}

# setting_for FOLDER prints the setting that points at the same part of the system (see parts/parts.go).
setting_for() {
	case $1 in
	postgres-*) echo QIUZHEN_POSTGRES_BIN ;;
	onnxruntime-*) echo QIUZHEN_ONNXRUNTIME ;;
	*) echo QIUZHEN_MODEL_DIR ;;
	esac
}

# roomy_folder prints a folder in memory when there is room for the tests' data, as postgrestest's folder does, else the usual temporary one.
roomy_folder() {
	local free
	free=$(df --output=avail -B1M /dev/shm 2>/dev/null | tail -1) || free=0
	if [ "${free:-0}" -ge 4096 ] && [ -w /dev/shm ]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}
