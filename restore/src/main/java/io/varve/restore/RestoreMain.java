package io.varve.restore;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** Restores, as a process of its own whose class path has the archive's libraries alone. */
public final class RestoreMain {
    private static final String DEBUG = "--debug";
    private static final int FAILED = 1;
    private static final int MISUSED = 2;

    private RestoreMain() {}

    /** Runs {@code restore} with these options, and ends the process with 0 done, 1 failed, 2 misused. */
    public static void main(String[] arguments) {
        System.exit(run(arguments, System.getenv(), System.out, System.err));
    }

    /** As {@link #main}, but gives the exit code back. */
    static int run(String[] arguments, Map<String, String> environment, PrintStream out, PrintStream err) {
        CommandLine commandLine =
                new CommandLine(new RestoreVerb(out, environment, ProgressLine.forTerminal(err, System::nanoTime)));
        commandLine.setCommandName("varve restore");
        commandLine
                .getCommandSpec()
                .addOption(OptionSpec.builder(RestoreVerb.CONFIG)
                        .type(Path.class)
                        .paramLabel("FILE")
                        .description("Properties file with options.")
                        .build())
                .addOption(OptionSpec.builder(DEBUG)
                        .type(boolean.class)
                        .description("Show the stack trace of a failure.")
                        .build());
        return commandLine
                .setParameterExceptionHandler((failure, given) -> {
                    err.println("varve restore: " + ended(misuse(failure)) + " Try 'varve help restore'.");
                    return MISUSED;
                })
                .setExecutionExceptionHandler((failure, failed, parsed) -> {
                    err.println("varve restore: " + ended(sentence(failure)));
                    if (parsed.hasMatchedOption(DEBUG)) {
                        failure.printStackTrace(err);
                    }
                    return FAILED;
                })
                .execute(arguments);
    }

    private static String sentence(Exception failure) {
        String message = failure.getMessage();
        return failure instanceof IOException && message != null
                ? message
                : "This is a bug of Varve (" + failure + "), please report it with the output of --debug";
    }

    /** The parser begins some of its sentences with a word that isn't part of them. */
    private static String misuse(ParameterException misuse) {
        String message = String.valueOf(misuse.getMessage());
        return message.startsWith("Error: ") ? message.substring("Error: ".length()) : message;
    }

    private static String ended(String sentence) {
        return sentence.endsWith(".") ? sentence : sentence + ".";
    }
}
