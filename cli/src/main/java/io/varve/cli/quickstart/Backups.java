package io.varve.cli.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.cli.qmp.QmpClient;
import io.varve.cli.stack.Stack;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.time.Duration;

/** Grouped backups of all drives, as {@code varve backup} asks the agent for them. Thread: its owner's only. */
final class Backups implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(100);
    private static final Duration COMMIT_PATIENCE = Duration.ofSeconds(60);

    private final QmpClient agent;

    private Backups(QmpClient agent) {
        this.agent = agent;
    }

    static Backups connect(Stack stack) throws IOException, InterruptedException {
        return new Backups(QmpClient.connect(NbdAddress.parse(stack.agent()), PATIENCE));
    }

    /** Cuts a sync point of all drives; its backups run when this returns. */
    String cut() throws IOException, InterruptedException {
        ObjectNode arguments = JSON.createObjectNode().put("grouped", true);
        return agent.execute("x-varve-backup", arguments).path("sync-point").asText();
    }

    /**
     * Waits until every drive's backup is committed.
     *
     * @throws IOException when one isn't, and why
     */
    void awaitCommitted(String syncPoint) throws IOException, InterruptedException {
        long endNanos = System.nanoTime() + COMMIT_PATIENCE.toNanos();
        while (!isCommitted(syncPoint)) {
            if (System.nanoTime() - endNanos > 0) {
                throw new IOException("sync point '" + syncPoint + "' wasn't committed within "
                        + COMMIT_PATIENCE.toSeconds() + " s; the logs may say why");
            }
            boolean _ = agent.awaitEvent(LOOK_AGAIN);
        }
    }

    private boolean isCommitted(String syncPoint) throws IOException, InterruptedException {
        JsonNode status =
                agent.execute("x-varve-backup-status", JSON.createObjectNode().put("sync-point", syncPoint));
        boolean all = true;
        for (JsonNode drive : status.path("drives")) {
            String state = drive.path("state").asText();
            if (!state.equals("running") && !state.equals("committed")) {
                throw new IOException(
                        "the backup of drive '" + drive.path("device").asText() + "' at sync point '" + syncPoint
                                + "' is " + state + ": " + drive.path("reason").asText("no reason given"));
            }
            all &= state.equals("committed");
        }
        return all;
    }

    @Override
    public void close() {
        agent.close();
    }
}
