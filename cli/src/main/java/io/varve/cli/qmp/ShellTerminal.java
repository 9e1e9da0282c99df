package io.varve.cli.qmp;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/**
 * A terminal with a history, in a file of the user's, and completion.
 *
 * <p>Thread: its owner's; {@link #tell} any.
 */
public final class ShellTerminal implements AutoCloseable {

    private static final String HISTORY = ".varve-qmp-history";

    private final Terminal terminal;
    private final LineReader reader;
    private volatile Optional<CommandNames> names = Optional.empty();

    /** @param history where lines are kept; nowhere when empty */
    ShellTerminal(Terminal terminal, Optional<Path> history) {
        this.terminal = terminal;
        var parser = new DefaultParser();
        // Quotes and backslashes are the command's own.
        parser.setEscapeChars(new char[0]);
        parser.setQuoteChars(new char[0]);
        var builder = LineReaderBuilder.builder()
                .terminal(terminal)
                .appName("varve")
                .parser(parser)
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                .completer(completer());
        history.ifPresent(file -> builder.variable(LineReader.HISTORY_FILE, file));
        this.reader = builder.build();
    }

    /**
     * Opens this process's terminal.
     *
     * @param environment tells the user's home, where the history is kept
     */
    public static ShellTerminal open(Map<String, String> environment) throws IOException {
        var home = Optional.ofNullable(environment.get("HOME"));
        return new ShellTerminal(
                TerminalBuilder.builder().system(true).build(), home.map(folder -> Path.of(folder, HISTORY)));
    }

    /** Completes these from now on. */
    public void complete(CommandNames known) {
        names = Optional.of(known);
    }

    /** The next line that the user ends; empty when they leave. */
    public Optional<String> next() {
        Optional<String> line = Optional.empty();
        while (line.isEmpty()) {
            try {
                line = Optional.of(reader.readLine("varve> "));
            } catch (UserInterruptException e) {
                // As in other shells: the line is given up, not the shell.
                line = Optional.empty();
            } catch (EndOfFileException e) {
                return Optional.empty();
            }
        }
        return line;
    }

    /** Shows a line above the one that the user is writing. */
    public void tell(String line) {
        reader.printAbove(line);
    }

    private Completer completer() {
        return (LineReader _, ParsedLine line, List<Candidate> candidates) -> {
            if (names.isEmpty()) {
                return;
            }
            if (line.wordIndex() == 0) {
                names.get().commands().forEach(name -> candidates.add(new Candidate(name)));
            } else {
                for (var name : names.get().argumentsOf(line.words().getFirst())) {
                    if (line.words().stream().noneMatch(word -> word.startsWith(name + "="))) {
                        var value = name + "=";
                        candidates.add(new Candidate(value, value, null, null, null, null, false));
                    }
                }
            }
        };
    }

    @Override
    public void close() throws IOException {
        terminal.close();
    }
}
