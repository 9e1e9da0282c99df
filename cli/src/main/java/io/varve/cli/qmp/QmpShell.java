package io.varve.cli.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Consumer;

/** Carries lines to an agent, and its replies back. */
public final class QmpShell {

    private final QmpClient client;
    private final Consumer<JsonNode> replies;
    private final Consumer<String> complaints;

    /**
     * Over a connection.
     *
     * @param complaints takes sentences about lines that aren't commands
     */
    public QmpShell(QmpClient client, Consumer<JsonNode> replies, Consumer<String> complaints) {
        this.client = client;
        this.replies = replies;
        this.complaints = complaints;
    }

    /** Where lines come from. */
    @FunctionalInterface
    public interface Lines {
        /** The next one; empty at the end. */
        Optional<String> next() throws IOException;
    }

    /**
     * Carries all lines, one after the other.
     *
     * @return whether every reply was good
     * @throws IOException in one sentence, when the connection broke
     */
    public boolean run(Lines lines) throws IOException, InterruptedException {
        boolean good = true;
        for (var line = lines.next(); line.isPresent(); line = lines.next()) {
            switch (ShellLine.read(line.get())) {
                case ShellLine.Empty() -> {}
                case ShellLine.Wrong(String complaint) -> {
                    complaints.accept(complaint);
                    good = false;
                }
                case ShellLine.Request request -> {
                    var reply = client.converse(request.json());
                    replies.accept(reply);
                    good &= !reply.has("error");
                }
            }
        }
        return good;
    }
}
