package io.varve.cli.stack;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What a stack is started with.
 *
 * @param folder for all that it keeps, made when it is new
 * @param drives as the agent takes them: {@code NAME=PATH[,…]}
 * @param partitions of the topics that grow with the drives; topics that exist keep theirs
 * @param roles that are started; others can be started later
 */
public record StackConfig(Path folder, List<String> drives, int partitions, Set<StackRole> roles) {

    /** Enough for some dozen drives on one machine, and few enough to start quickly. */
    public static final int DEFAULT_PARTITIONS = 4;

    private static final int PARTITIONS_MAX = 1000;

    public StackConfig {
        folder = folder.toAbsolutePath().normalize();
        drives = List.copyOf(drives);
        roles = Set.copyOf(roles);
        if (partitions < 1 || partitions > PARTITIONS_MAX) {
            throw new IllegalArgumentException("partitions is " + partitions + "; expected 1 to " + PARTITIONS_MAX);
        }
    }

    /** All roles, with the defaults. */
    public static StackConfig of(Path folder, List<String> drives) {
        return new StackConfig(folder, drives, DEFAULT_PARTITIONS, EnumSet.allOf(StackRole.class));
    }

    /** The same with other partitions. */
    public StackConfig withPartitions(int other) {
        return new StackConfig(folder, drives, other, roles);
    }

    /** The same with these roles only. */
    public StackConfig withRoles(Set<StackRole> others) {
        return new StackConfig(folder, drives, partitions, others);
    }
}
