package io.varve.capture.node;

import io.varve.archive.store.Sha256;
import io.varve.core.id.DriveId;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** QEMU's rules for the names of nodes (its block.c and util/id.c), and ours for the names of their logs. */
final class NodeNames {
    private static final Pattern WELL_FORMED = Pattern.compile("[a-zA-Z][a-zA-Z0-9._-]*");
    private static final int LENGTH_MAX = 31;
    private static final int DIGITS = 100;
    private static final int HASH_DIGITS = 40;

    private final RandomGenerator random;
    private long count;

    NodeNames(RandomGenerator random) {
        this.random = random;
    }

    /** Why a node can't be called so; empty when it can. */
    static Optional<String> objection(String name) {
        if (!WELL_FORMED.matcher(name).matches()) {
            return Optional.of("Invalid node-name: '" + name + "'");
        }
        return name.length() > LENGTH_MAX ? Optional.of("Node name too long") : Optional.empty();
    }

    /** A name for a node that was given none. */
    String generate() {
        return String.format("#block%d%02d", count++, random.nextInt(DIGITS));
    }

    /**
     * The name of a node's log. Logs' names are parts of object keys, so few characters are allowed: where the node's
     * has others, the log's is a hash of it, which is the same after a restart.
     */
    static DriveId drive(String name) {
        return DriveId.isValid(name)
                ? new DriveId(name)
                : new DriveId("node-"
                        + Sha256.of(name.getBytes(StandardCharsets.UTF_8)).hex().substring(0, HASH_DIGITS));
    }
}
