package io.varve.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.cli.qmp.CommandNames;
import io.varve.cli.qmp.QmpClient;
import io.varve.cli.qmp.QmpShell;
import io.varve.cli.qmp.ShellLine;
import io.varve.cli.qmp.ShellTerminal;
import io.varve.formats.nbd.NbdAddress;
import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Talks QMP with an agent: a shell for people, one command or many for scripts. */
@Command(
        name = "qmp",
        description = {
            "Talk QMP with an agent. A line is a command and its arguments, as 'query-block' or",
            "'block-dirty-bitmap-add node=drive0 name=b', or JSON. Tab completes, the history stays."
        },
        mixinStandardHelpOptions = true)
final class QmpVerb implements Callable<Integer> {

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final int LINE_MAX = 100;

    private final Surroundings surroundings;

    @Mixin
    private AgentOptions agent;

    @Parameters(
            arity = "0..1",
            paramLabel = "ADDR",
            description = "The agent's QMP address, unix:PATH or HOST:PORT; else --agent's.")
    private Optional<String> address = Optional.empty();

    @Option(
            names = "-c",
            paramLabel = "COMMAND",
            description =
                    "Give this command, print its reply as JSON, and end with 1 if that's an error. May be repeated.")
    private List<String> commands = List.of();

    @Option(names = "--data", paramLabel = "DIR", description = "The data folder of 'varve up', whose agent is meant.")
    private Optional<Path> data = Optional.empty();

    QmpVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException, VerbFailedException {
        if (!commands.isEmpty()) {
            return code(runAll(commands));
        }
        boolean isTerminal =
                Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
        return isTerminal ? talk() : code(runInput());
    }

    private static int code(boolean wentWell) {
        return (wentWell ? ExitCode.DONE : ExitCode.FAILED).code();
    }

    private NbdAddress place() throws IOException {
        if (address.isPresent()) {
            return agent.address(address.get());
        }
        return data.isPresent() ? agent.address(ConfigFile.agentOf(data.get())) : agent.address();
    }

    private QmpClient connect(Consumer<ObjectNode> events) throws IOException, InterruptedException {
        return QmpClient.connect(place(), PATIENCE, events);
    }

    private int talk() throws IOException, InterruptedException {
        try (var terminal = ShellTerminal.open(surroundings.environment());
                var client = connect(event -> terminal.tell(event.toString()))) {
            terminal.complete(CommandNames.of(client));
            var shell = new QmpShell(client, reply -> terminal.tell(readable(reply)), terminal::tell);
            // A person has seen what was refused.
            boolean _ = shell.run(terminal::next);
            return ExitCode.DONE.code();
        }
    }

    /** What fits into a line stays one. */
    private static String readable(JsonNode reply) {
        var line = reply.toString();
        return line.length() <= LINE_MAX ? line : reply.toPrettyString();
    }

    /** For scripts. */
    private boolean shell(QmpClient client, QmpShell.Lines lines) throws IOException, InterruptedException {
        return new QmpShell(client, surroundings.out()::println, surroundings.err()::println).run(lines);
    }

    /** All lines that come in, without a prompt. */
    private boolean runInput() throws IOException, InterruptedException {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (var client = connect(this::tellEvent)) {
            return shell(client, () -> Optional.ofNullable(lines.readLine()));
        }
    }

    private boolean runAll(List<String> lines) throws IOException, InterruptedException, VerbFailedException {
        for (var line : lines) {
            if (ShellLine.read(line) instanceof ShellLine.Wrong(String complaint)) {
                throw new VerbFailedException(complaint);
            }
        }
        try (var client = connect(this::tellEvent)) {
            var left = lines.iterator();
            return shell(client, () -> left.hasNext() ? Optional.of(left.next()) : Optional.empty());
        }
    }

    /** Not among the replies, which scripts read. */
    private void tellEvent(ObjectNode event) {
        surroundings.err().println(event);
    }
}
