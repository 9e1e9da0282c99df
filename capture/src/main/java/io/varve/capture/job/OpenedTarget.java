package io.varve.capture.job;

import io.varve.capture.node.Node;
import io.varve.formats.qcow2.ImageGeometry;
import io.varve.transfer.CopyControl;
import io.varve.transfer.CopyJob;
import io.varve.transfer.CopyOutcome;
import io.varve.transfer.CopyPipeline;
import io.varve.transfer.CopyPlan;
import io.varve.transfer.SumsListener;
import io.varve.transfer.source.ClusterSource;
import io.varve.transfer.target.LocalImageTarget;
import io.varve.transfer.target.RawWriter;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that a job is about to write. Ends with {@link #copy} or {@link #abort}.
 *
 * @param geometry of the image; of a raw one only the size counts
 */
record OpenedTarget(ImageGeometry geometry, Image image) {
    private static final Logger LOG = LoggerFactory.getLogger(OpenedTarget.class);

    /** What is copied. */
    record What(String drive, CopyPlan plan) {}

    /** What is written. */
    sealed interface Image {
        /** It appears, or takes the place of the prepared one, when it's whole. */
        record Qcow2(LocalImageTarget target) implements Image {}

        record Raw(RawWriter writer) implements Image {}

        /** What's copied is written into it as the copy goes. */
        record Into(NodeWriter writer) implements Image {}
    }

    /** Copies on the calling thread. */
    CopyOutcome copy(CopyPipeline pipeline, What what, ClusterSource source, CopyControl control, Retrying retrying) {
        CopyJob job = new CopyJob(what.drive(), geometry, what.plan());
        return switch (image) {
            case Image.Qcow2(LocalImageTarget target) ->
                pipeline.toQcow2(job, source, new RetriedTarget(target, retrying), SumsListener.NONE, control);
            case Image.Into(NodeWriter writer) ->
                pipeline.into(job, source, writer.with(retrying), SumsListener.NONE, control);
            // A new file's zeros are nothing to write.
            case Image.Raw(RawWriter writer) ->
                pipeline.into(job, source, new RetriedWriter(writer, retrying), SumsListener.NONE, control);
        };
    }

    /** The node that's written into. */
    Node node() {
        return ((Image.Into) image).writer().node();
    }

    /** Whoever writes it waits for no server that is away. */
    void stopWaiting() {
        if (image instanceof Image.Into(NodeWriter writer)) {
            writer.node().backend().awaitServer(false);
        }
    }

    /** Has its clusters compressed. */
    void compress() {
        ((Image.Into) image).writer().compress();
    }

    /** Whether its clusters can be compressed. */
    boolean takesCompressed() {
        return image instanceof Image.Into(NodeWriter writer)
                && writer.node().qcow2().isPresent();
    }

    /** Whether a copy that has ended, well or not, left there what it copied, whatever comes. */
    boolean keepsCopied() {
        return image instanceof Image.Into(NodeWriter writer) && writer.isDurable();
    }

    /** Why the image can't appear at its place, when it's stored. */
    Optional<String> objection() {
        return switch (image) {
            case Image.Qcow2(LocalImageTarget target) -> target.objection();
            case Image.Into _ -> Optional.empty();
            case Image.Raw(RawWriter writer) -> writer.objection();
        };
    }

    /**
     * Leaves an empty file where an image was to be made and nothing is: QEMU leaves a partly written one, which
     * clients delete. An empty one is nobody's backup.
     */
    void leaveEmpty() {
        Optional<Path> place = switch (image) {
            case Image.Qcow2(LocalImageTarget target) -> Optional.of(target.path());
            case Image.Into _ -> Optional.empty();
            case Image.Raw(RawWriter writer) -> writer.newFile();
        };
        try {
            if (place.isPresent()) {
                Files.createFile(place.get());
            }
        } catch (FileAlreadyExistsException e) {
            LOG.debug("'{}' keeps what it holds", place.get());
        } catch (IOException e) {
            LOG.warn("no empty file could be left in the place of a backup that wasn't made: {}", e.toString());
        }
    }

    void abort() throws IOException {
        switch (image) {
            case Image.Qcow2(LocalImageTarget target) -> target.abort();
            case Image.Into(NodeWriter writer) -> writer.abort();
            case Image.Raw(RawWriter writer) -> writer.abort();
        }
    }
}
