# From bench/nbd's single measurements (round, medium, row, server, value, CPU µs per operation) to a Markdown table.
# A ratio is taken within a round and then the median over rounds, so a slow moment of the machine hits both sides.

BEGIN { FS = "\t" }

{
    key = $2 SUBSEP $3
    if (!(key in known)) { known[key] = 1; keys[++count] = key }
    if ($1 > rounds) rounds = $1
    value[key, $4, $1] = $5
    cpu[key, $4, $1] = $6
}

# The median of one server's figures.
function middle(table, key, server,    r, n, list) {
    for (r = 1; r <= rounds; r++) if ((key, server, r) in table) list[++n] = table[key, server, r]
    return median(list, n)
}

# The median of Varve's figure over another server's of the same round.
function ratio(table, key, server,    r, n, list) {
    for (r = 1; r <= rounds; r++)
        if ((key, server, r) in table && (key, "varve", r) in table && table[key, server, r] > 0)
            list[++n] = table[key, "varve", r] / table[key, server, r]
    return median(list, n)
}

function figure(x) { return x < 0 ? "–" : x >= 100 ? sprintf("%.0f", x) : sprintf("%.1f", x) }
function times(x) { return x < 0 ? "–" : sprintf("%.2f×", x) }

# The goals for a row: speed against qemu-nbd and nbdkit at least, CPU per operation against them at most; 0 is none.
function goals(row) {
    goal_q = 1.5; goal_n = 1.0; cpu_q = 0; cpu_n = 0
    if (row ~ /^cold-randread.*qd32/) goal_q = 1.2
    else if (row ~ /^cold/) goal_q = 1.0
    else if (row ~ /fsync/) goal_q = 1.2
    else if (row == "nbdcopy-in") goal_q = 1.2
    else if (row ~ /-4k-/) { cpu_q = 0.4; cpu_n = 0.7; if (row ~ /qd32/) goal_q = 2.0 }
}

function judged(x, limit, at_least) {
    if (x < 0) return "–"
    if (limit == 0) return times(x)
    return times(x) (((at_least && x >= limit) || (!at_least && x <= limit)) ? " ✓" : " ✗ (" limit "×)")
}

END {
    print "| medium | row | qemu-nbd | nbdkit | Varve | speed: Varve / qemu-nbd | Varve / nbdkit | CPU per operation: qemu-nbd | nbdkit | Varve | Varve / qemu-nbd | Varve / nbdkit |"
    print "|---|---|---|---|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= count; i++) {
        key = keys[i]
        split(key, part, SUBSEP)
        goals(part[2])
        unit = part[2] ~ /64k|1m|nbdcopy/ ? " MB/s" : " IOPS"
        print "| " part[1] " | " part[2] " | " figure(middle(value, key, "qemu")) unit " | " figure(middle(value, key, "nbdkit")) unit \
            " | " figure(middle(value, key, "varve")) unit " | " judged(ratio(value, key, "qemu"), goal_q, 1) \
            " | " judged(ratio(value, key, "nbdkit"), goal_n, 1) " | " figure(middle(cpu, key, "qemu")) " µs | " \
            figure(middle(cpu, key, "nbdkit")) " µs | " figure(middle(cpu, key, "varve")) " µs | " \
            judged(ratio(cpu, key, "qemu"), cpu_q, 0) " | " judged(ratio(cpu, key, "nbdkit"), cpu_n, 0) " |"
    }
    print ""
    print "✓ the goal is met, ✗ it isn't (in brackets what it asks for). Medians of " rounds " rounds; an operation of nbdcopy is a MiB."
}
