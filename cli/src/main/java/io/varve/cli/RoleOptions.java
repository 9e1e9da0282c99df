package io.varve.cli;

import picocli.CommandLine.Option;

/** What every role's verb has: a parent may run it as a child. */
final class RoleOptions {

    @Option(
            names = "--ready-line",
            hidden = true,
            description = "Run as a child: say that the role serves in the words that its parent reads, and end when"
                    + " standard input ends.")
    private boolean child;

    /** Begins to listen for what ends the role. */
    RoleLife begin(Surroundings surroundings) {
        return child ? RoleLife.ofChild(surroundings) : RoleLife.ofUser(surroundings);
    }
}
