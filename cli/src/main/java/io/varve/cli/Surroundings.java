package io.varve.cli;

import java.io.PrintStream;
import java.util.Map;

/**
 * What a verb sees of the process that it runs in.
 *
 * @param out results, for people or scripts
 * @param err progress and failures
 * @param environment the environment variables
 */
public record Surroundings(PrintStream out, PrintStream err, Map<String, String> environment) {

    public Surroundings {
        environment = Map.copyOf(environment);
    }
}
