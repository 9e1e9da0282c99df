package io.varve.capture.tracking;

import io.varve.capture.journal.DurableFiles;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.IncarnationId;
import io.varve.core.recovery.Evidence;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leave to go on with a journal that ends with a hand-over: a file {@code taken-over} beside it, which names the
 * hand-over and says which image goes on. Without it such a journal's drive is another agent's.
 *
 * <p>Thread: the agent's control lock.
 */
final class TakenOver {
    private static final Logger LOG = LoggerFactory.getLogger(TakenOver.class);
    private static final String FILE = "taken-over";

    private final Path directory;
    private final DriveEvent.DriveHandedOver handedOver;
    private final HandedImage handed;

    private TakenOver(Path directory, DriveEvent.DriveHandedOver handedOver, HandedImage handed) {
        this.directory = directory;
        this.handedOver = handedOver;
        this.handed = handed;
    }

    /** Gives leave, durably. */
    static void permit(Path directory, IncarnationId handover, HandedImage handed) throws IOException {
        byte[] text = (handover + " " + handed.name()).getBytes(StandardCharsets.UTF_8);
        DurableFiles.replace(
                directory.resolve(FILE), channel -> DurableFiles.writeFully(channel, ByteBuffer.wrap(text), 0));
    }

    static void revoke(Path directory) throws IOException {
        Files.deleteIfExists(directory.resolve(FILE));
    }

    /** Whether the drive of {@code last}, the journal's last record, is another agent's by now. */
    static boolean isElsewhere(Path directory, LogRecord last) throws IOException {
        return last.event() instanceof DriveEvent.DriveHandedOver
                && find(directory, last.incarnation()).isEmpty();
    }

    /**
     * Leave to go on behind {@code last}, which is a hand-over.
     *
     * @throws IOException when there's none: in one sentence
     */
    static TakenOver of(Path directory, LogRecord last) throws IOException {
        DriveEvent.DriveHandedOver handedOver = (DriveEvent.DriveHandedOver) last.event();
        HandedImage handed = find(directory, last.incarnation())
                .orElseThrow(() -> new IOException("drive '" + last.drive() + "' was handed over to " + handedOver.to()
                        + " and isn't served here any more: leave it out, or take it back by 'varve handover"
                        + " --take-back' if nobody serves it"));
        return new TakenOver(directory, handedOver, handed);
    }

    private static Optional<HandedImage> find(Path directory, IncarnationId handover) throws IOException {
        Path file = directory.resolve(FILE);
        String text = Files.exists(file) ? Files.readString(file) : "";
        for (HandedImage handed : HandedImage.values()) {
            if (text.equals(handover + " " + handed.name())) {
                return Optional.of(handed);
            }
        }
        return Optional.empty();
    }

    /** Whether the image is the one that was handed over, as it was left. */
    Evidence evidence(DriveImage image, DriveState state, ImageIdentity now) {
        long sizeBytes = image.backend().sizeBytes();
        Optional<Doubt> doubt = sizeBytes == state.sizeBytes()
                ? Optional.empty()
                : Optional.of(
                        Doubt.imageResized("the image has " + sizeBytes + " bytes; expected " + state.sizeBytes()));
        return new Evidence(
                doubt,
                new Evidence.Ending.HandedOver(
                        handed.doubt(image, handedOver.image(), now).map(Doubt::imageChanged)));
    }

    /** The journal goes on, so leave isn't asked for again. */
    void settle() {
        try {
            Files.deleteIfExists(directory.resolve(FILE));
        } catch (IOException e) {
            LOG.warn("'{}' is of no use any more, and can't be removed: {}", directory.resolve(FILE), e.toString());
        }
    }
}
