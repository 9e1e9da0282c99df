package io.varve.cli.stack;

import io.varve.embedded.stack.ChildProcess;
import io.varve.embedded.stack.Installation;
import io.varve.embedded.stack.JavaCommand;
import io.varve.embedded.stack.JvmOptions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Starts a role as a JVM of this one's class path.
 *
 * @param arguments what follows the verb
 */
record RoleLaunch(StackRole role, List<String> arguments, Path log) implements Launch {

    /** Says to a role's verb that it is a child: it prints the ready line, and ends with its standard input. */
    static final String READY_LINE_OPTION = "--ready-line";

    private static final String MAIN = "io.varve.cli.VarveMain";
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    RoleLaunch {
        arguments = List.copyOf(arguments);
    }

    @Override
    public ChildProcess start() throws IOException, InterruptedException {
        long before = Files.exists(log) ? Files.size(log) : 0;
        var child = ChildProcess.start(command(), log);
        try {
            child.awaitReady(PATIENCE);
            return child;
        } catch (InterruptedException e) {
            child.killNow();
            throw e;
        } catch (IOException e) {
            throw sentence(before).map(said -> new IOException(said, e)).orElse(e);
        }
    }

    private JavaCommand command() {
        var options = new ArrayList<>(JvmOptions.small(role.heapMaxMebibytes()));
        options.add(
                "-D" + Installation.HOME_PROPERTY + "=" + Installation.find().home());
        options.add("-Dvarve.log.level=INFO");
        options.add("-Dvarve.log.libraries=WARN");
        if (role == StackRole.CAPTURE) {
            options.addAll(JvmOptions.SERVES_SOON);
        }
        if (role == StackRole.STREAMS) {
            // It folds little on one machine; the others hash and copy.
            options.add(JvmOptions.QUICK_START);
        }
        var main = new ArrayList<>(List.of(MAIN, role.verb(), READY_LINE_OPTION));
        main.addAll(arguments);
        var command = new JavaCommand(role.verb(), options, JavaCommand.ownClassPath(), main, Map.of());
        // All on one host: what a guest waits for comes first, and a backup takes what is left.
        return role == StackRole.CAPTURE ? command : command.inBackground();
    }

    /** What the verb said when it failed or found itself misused, in the words that it has for the user alone. */
    private Optional<String> sentence(long fromByte) throws IOException {
        var said = Pattern.compile("varve(?: " + role.verb() + ")?: (.*?)(?: Try 'varve help.*)?");
        try (var input = Files.newInputStream(log)) {
            input.skipNBytes(fromByte);
            return new String(input.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(said::matcher)
                    .filter(Matcher::matches)
                    .reduce((earlier, later) -> later)
                    .map(line -> "The " + role.verb() + " role doesn't start: " + line.group(1));
        }
    }
}
