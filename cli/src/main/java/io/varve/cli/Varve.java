package io.varve.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line: finds the verb, runs it, and turns every failure into one sentence and an exit code. */
@Command(
        name = "varve",
        description = "Incremental backups of live disks as an event stream.",
        synopsisSubcommandLabel = "VERB",
        versionProvider = Version.class,
        mixinStandardHelpOptions = true,
        subcommands = CommandLine.HelpCommand.class,
        footer = {"", "Exit codes: 0 done, 1 failed, 2 misused. 'varve help VERB' explains a verb."})
final class Varve implements Callable<Integer> {

    static final String DEBUG_OPTION = "--debug";

    private final Surroundings surroundings;
    private final List<Callable<Integer>> verbs;

    @Spec
    private CommandSpec spec;

    @Option(
            names = DEBUG_OPTION,
            scope = ScopeType.INHERIT,
            description = "Show the stack trace of a failure, and log what happens.")
    private boolean debug;

    /**
     * Makes the command line.
     *
     * @param verbs objects of {@code @Command} classes
     */
    Varve(Surroundings surroundings, List<Callable<Integer>> verbs) {
        this.surroundings = surroundings;
        this.verbs = List.copyOf(verbs);
    }

    /** Runs the verb that the arguments name, to its end. */
    int run(String... arguments) {
        try {
            return commandLine(ConfigFile.read(List.of(arguments))).execute(arguments);
        } catch (IOException e) {
            surroundings.err().println("varve: " + Sentence.of(e));
            return ExitCode.FAILED.code();
        }
    }

    private CommandLine commandLine(ConfigFile config) {
        var commandLine = new CommandLine(this);
        commandLine.getCommandSpec().addOption(ConfigFile.option());
        verbs.forEach(commandLine::addSubcommand);
        commandLine
                .getSubcommands()
                .values()
                .forEach(verb -> verb.getCommandSpec().versionProvider(new Version()));
        return commandLine
                .setDefaultValueProvider(config)
                .setOut(new PrintWriter(surroundings.out(), true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(surroundings.err(), true, StandardCharsets.UTF_8))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Varve::explainMisuse)
                .setExecutionExceptionHandler((failure, failed, parsed) -> explainFailure(failure, failed));
    }

    /** Without a verb. */
    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "Which verb?");
    }

    private static int explainMisuse(ParameterException misuse, String[] arguments) {
        var command = misuse.getCommandLine().getCommandSpec();
        var sentence = misuse instanceof UnmatchedArgumentException unmatched
                ? "There is no verb or option '" + String.join(" ", unmatched.getUnmatched()) + "'."
                : Sentence.of(misuse);
        var help = command.parent() == null ? "varve help" : "varve help " + command.name();
        misuse.getCommandLine().getErr().println("varve: " + sentence + " Try '" + help + "'.");
        return ExitCode.MISUSED.code();
    }

    private int explainFailure(Exception failure, CommandLine failed) {
        failed.getErr().println("varve " + failed.getCommandName() + ": " + Sentence.of(failure));
        if (debug) {
            failure.printStackTrace(failed.getErr());
        }
        return ExitCode.FAILED.code();
    }
}
