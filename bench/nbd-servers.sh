# Sourced by bench/nbd and bench/stalled: the servers under comparison, each a process of which the id, URI and image are known.

declare -A pid uri image

# Arguments: the images' folder, what they hold at first, the folder for sockets and logs, the servers.
start_servers() {
    local folder=$1 source=$2 work=$3 server
    for server in ${4//,/ }; do
        image[$server]=$folder/$server.img
        cp "$source" "${image[$server]}"
        sync "${image[$server]}"
        uri[$server]="nbd+unix:///drive?socket=$work/$server.sock"
        rm -f "$work/$server.sock"
        "start_$server" "$work" >"$work/$server.log" 2>&1
        await_server "$work" "$server"
    done
}

start_qemu() {
    qemu-nbd --persistent --shared=16 --format=raw --discard=unmap --export-name=drive "--socket=$1/qemu.sock" "${image[qemu]}" &
    pid[qemu]=$!
}

start_nbdkit() {
    nbdkit --foreground --exportname=drive "--unix=$1/nbdkit.sock" file "${image[nbdkit]}" &
    pid[nbdkit]=$!
}

# With tracking on, as always: the agent as users start it, Kafka away.
start_varve() {
    rm -rf "$1/state" "$1/live"
    mkdir -p "$1/live"
    "$home/varve" capture "--state=$1/state" "--live=$1/live" "--nbd=unix:$1/varve.sock" "drive=${image[varve]}" &
    pid[varve]=$!
}

await_server() {
    local work=$1 server=$2 tries
    # A first start of varve builds it.
    for ((tries = 0; tries < 3000; tries++)); do
        if ! kill -0 "${pid[$server]}" 2>/dev/null; then break; fi
        if [ -S "$work/$server.sock" ] && nbdinfo --size "${uri[$server]}" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    echo "bench/nbd: $server didn't start: $(tail -n 3 "$work/$server.log")" >&2
    exit 1
}

stop_servers() {
    local server
    for server in "${!pid[@]}"; do
        kill "${pid[$server]}" 2>/dev/null || true
        wait "${pid[$server]}" 2>/dev/null || true
    done
    pid=()
}

# User and system time of all threads, those that ended included, in clock ticks.
cpu_ticks() {
    awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/${pid[$1]}/stat"
}

# Drops one file from the page cache, and leaves the rest of the machine's alone.
evict() {
    sync "$1"
    dd "if=$1" iflag=nocache count=0 status=none
    local left
    left=$(fincore --bytes --noheadings --output RES "$1" | tr -d ' ')
    [ "${left:-0}" -lt 1048576 ] || echo "bench/nbd: $left bytes of $1 stayed in the page cache; its cold rows are too good" >&2
}
