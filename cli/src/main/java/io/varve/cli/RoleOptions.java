package io.varve.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** What every role's verb has: a parent may run it as a child. */
final class RoleOptions {

    private static final String CHILD = "--ready-line";

    @Option(
            names = CHILD,
            hidden = true,
            description = "Run as a child: say that the role serves in the words that its parent reads, and end when"
                    + " standard input ends.")
    private boolean child;

    /** Whether a parent runs this verb as a child. */
    static boolean isChild(CommandSpec verb) {
        var option = verb.findOption(CHILD);
        return option != null && Boolean.TRUE.equals(option.getValue());
    }

    /** Begins to listen for what ends the role. */
    RoleLife begin(Surroundings surroundings) {
        return child ? RoleLife.ofChild(surroundings) : RoleLife.ofUser(surroundings);
    }
}
