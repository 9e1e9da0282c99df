package io.varve.cli.reconcile;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.cli.qmp.QmpClient;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.bits.PackedMarks;
import io.varve.core.drive.Anchor;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import java.io.IOException;
import java.util.Base64;
import java.util.Optional;

/**
 * A drive's point in time that an agent holds for a reconcile, which it ends with. Should this process die, the agent
 * gives it up as its connection ends. Thread: the client's owner.
 */
public final class PointInTime implements AutoCloseable {
    /** Of these every second one may differ: even that is below what QMP takes in one text. */
    private static final long WINDOW_GRANULES = 1 << 18;

    private final QmpClient client;
    private final JsonNode begun;
    private boolean ended;

    private PointInTime(QmpClient client, JsonNode begun) {
        this.client = client;
        this.begun = begun;
    }

    /**
     * Has the agent take one, and collect from then on what is written.
     *
     * @throws IOException in one sentence
     */
    public static PointInTime take(QmpClient client, String device, String bitmap)
            throws IOException, InterruptedException {
        ObjectNode arguments =
                JsonNodeFactory.instance.objectNode().put("device", device).put("bitmap", bitmap);
        return new PointInTime(client, client.execute("x-varve-reconcile", arguments));
    }

    /** Whose log it's in. */
    public String drive() {
        return begun.path("drive").asText();
    }

    /**
     * Where it can be read.
     *
     * @throws IOException when the agent's address can't be understood
     */
    public NbdUri export() throws IOException {
        String address = begun.path("address").asText();
        try {
            return new NbdUri(NbdAddress.parse(address), begun.path("export").asText());
        } catch (IllegalArgumentException e) {
            throw new IOException("The agent offers its point in time at '" + address + "': " + e.getMessage(), e);
        }
    }

    /** Of the marks that {@link #end} takes. */
    public Granularity granularity() {
        return new Granularity(begun.path("granularity").asLong());
    }

    /** Why the bitmap couldn't be trusted, if so. */
    public Optional<String> inconsistency() {
        return Optional.ofNullable(begun.get("reason")).map(JsonNode::asText);
    }

    /**
     * Has the bitmap hold what differs and what was written since.
     *
     * @param anchor what it differs from, where that's a sync point
     * @return how many bytes the bitmap holds now
     */
    public long end(Marks differing, Optional<Anchor> anchor) throws IOException, InterruptedException {
        long windowBytes = WINDOW_GRANULES << differing.granularity().shift();
        long dirty = differing.nextDirty(0);
        while (dirty >= 0) {
            long from = dirty / windowBytes * windowBytes;
            long end = Math.min(differing.sizeBytes(), from + windowBytes);
            tell(differing, from, end);
            dirty = end < differing.sizeBytes() ? differing.nextDirty(end) : -1;
        }
        ObjectNode arguments = JsonNodeFactory.instance
                .objectNode()
                .put("sha256", differing.digest().hex());
        anchor.ifPresent(to -> arguments
                .putObject("anchor")
                .put("sync-point", to.syncPoint().value())
                .put("chain", to.chain().value())
                .put("sequence", to.sequence())
                .put("manifest", to.manifestKey())
                .put("sha256", to.manifestSha256().hex()));
        JsonNode reply = client.execute("x-varve-reconcile-end", arguments);
        ended = true;
        return reply.path("dirty-bytes").asLong();
    }

    private void tell(Marks differing, long from, long end) throws IOException, InterruptedException {
        Marks window = Marks.none(differing.granularity(), end - from);
        long dirty = differing.nextDirty(from);
        while (dirty >= 0 && dirty < end) {
            long clean = differing.nextClean(dirty, end);
            window.mark(dirty - from, clean - dirty);
            dirty = clean < end ? differing.nextDirty(clean) : -1;
        }
        ObjectNode arguments = JsonNodeFactory.instance
                .objectNode()
                .put("offset", from)
                .put("length", end - from)
                .put(
                        "runs",
                        Base64.getEncoder()
                                .encodeToString(PackedMarks.of(window).runs()));
        client.execute("x-varve-reconcile-differing", arguments);
    }

    /** Gives it up unless it has ended: the bitmap stays as it was. */
    @Override
    public void close() throws IOException {
        if (ended) {
            return;
        }
        try {
            client.execute("x-varve-reconcile-cancel", JsonNodeFactory.instance.objectNode());
        } catch (InterruptedException e) {
            // The end of the connection does it, too.
            Thread.currentThread().interrupt();
        }
    }
}
