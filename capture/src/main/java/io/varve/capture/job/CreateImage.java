package io.varve.capture.job;

import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.NodeSpec.ChildSpec;
import io.varve.capture.node.NodeUse;
import io.varve.core.drive.Conclusion;
import io.varve.core.job.ErrorAction;
import io.varve.core.job.JobEffect;
import io.varve.core.job.JobError;
import io.varve.formats.qcow2.ImageGeometry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * QMP's blockdev-create: makes an image without content. Thread: guarded by the lock of {@link Jobs}, but for its own.
 */
public final class CreateImage implements Work {
    private final NodeGraph graph;
    private final What what;
    private Optional<Thread> thread = Optional.empty();

    /** What is made. */
    public sealed interface What {
        /** A file of so many bytes. */
        record File(Path path, long sizeBytes) implements What {}

        /** An image in a file's node. */
        record Qcow2(ChildSpec file, ImageGeometry geometry) implements What {}
    }

    public CreateImage(NodeGraph graph, What what) {
        this.graph = graph;
        this.what = what;
    }

    /** One step, as in QEMU. */
    @Override
    public JobProgress progress() {
        boolean isDone = thread.isPresent() && !thread.get().isAlive();
        return new JobProgress(isDone ? 1 : 0, 1);
    }

    @Override
    public boolean isBusy() {
        return true;
    }

    @Override
    public Optional<Thread> thread() {
        return thread;
    }

    @Override
    public void start(JobPort port) {
        thread = Optional.of(Thread.ofPlatform().daemon().name("varve-create").start(() -> port.ended(make())));
    }

    private Optional<JobError> make() {
        try {
            switch (what) {
                case What.File(Path path, long sizeBytes) -> NewImages.raw(path, sizeBytes);
                case What.Qcow2(ChildSpec file, ImageGeometry geometry) -> make(file, geometry);
            }
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(JobError.of("Could not create file: " + TargetOpener.reason(e)));
        } catch (NodeRefusedException e) {
            return Optional.of(JobError.of(e.description()));
        }
    }

    private void make(ChildSpec file, ImageGeometry geometry) throws IOException, NodeRefusedException {
        switch (file) {
            case ChildSpec.Reference(String name) -> make(graph.get(Optional.empty(), Optional.of(name)), geometry);
            case ChildSpec.Inline(var spec) -> {
                Node node = graph.addForJob(spec);
                try {
                    make(node, geometry);
                } finally {
                    graph.dropAfterJob(node);
                }
            }
        }
    }

    private void make(Node node, ImageGeometry geometry) throws IOException, NodeRefusedException {
        Path path = node.path()
                .filter(_ -> !node.isFormat())
                .orElseThrow(() -> new NodeRefusedException(
                        "'" + node.name() + "' is no file's node, and Varve makes images in files alone"));
        if (!node.parents().isEmpty() || !node.uses().isEmpty()) {
            throw new NodeRefusedException("Block device " + node.name() + " is in use");
        }
        if (node.isReadOnly()) {
            throw new NodeRefusedException("Block node is read-only");
        }
        NodeUse use = new NodeUse.Job("create");
        graph.begin(node, use);
        try {
            NewImages.qcow2(path, geometry);
        } finally {
            graph.end(node, use);
        }
    }

    @Override
    public void pause() {}

    @Override
    public void resume() {}

    /** It's short: it ends by itself. */
    @Override
    public void stop() {}

    @Override
    public void finish(JobEffect.Finish how) {
        throw new IllegalStateException("a creation is never ready");
    }

    @Override
    public void limit(long bytesPerSecond) {}

    @Override
    public void act(ErrorAction action) {
        throw new IllegalStateException("a creation asks nothing");
    }

    @Override
    public Optional<JobError> objection() {
        return Optional.empty();
    }

    @Override
    public void prepare() {
        throw new IllegalStateException("there's nothing to settle");
    }

    @Override
    public void giveUp() {
        throw new IllegalStateException("there's nothing to settle");
    }

    @Override
    public Optional<JobError> conclude(Conclusion conclusion) {
        throw new IllegalStateException("there's nothing to settle");
    }

    @Override
    public void release() {}
}
