package io.varve.cli;

import java.util.Arrays;

/** The {@code varve} command: hands the process's surroundings to {@link Varve} and exits with its code. */
public final class VarveMain {

    /** The property by which {@code logback.xml} sets the level of what goes to standard error. */
    private static final String LOG_LEVEL_PROPERTY = "varve.log.level";

    private VarveMain() {}

    /** Runs one verb. */
    public static void main(String[] arguments) {
        if (Arrays.asList(arguments).contains(Varve.DEBUG_OPTION) && System.getProperty(LOG_LEVEL_PROPERTY) == null) {
            // Before the first logger is made.
            System.setProperty(LOG_LEVEL_PROPERTY, "INFO");
        }
        var surroundings = new Surroundings(System.out, System.err, System.getenv());
        System.exit(new Varve(surroundings, Verbs.all(surroundings)).run(arguments));
    }
}
