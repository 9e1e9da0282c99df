package io.varve.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Says which version this is, and which Java runs it. */
@Command(name = "version", description = "Say which version this is.")
final class VersionVerb implements Callable<Integer> {

    private final Surroundings surroundings;

    VersionVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        surroundings.out().println("varve " + Version.number() + " on Java " + Runtime.version());
        return ExitCode.DONE.code();
    }
}
