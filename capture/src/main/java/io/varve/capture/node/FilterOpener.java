package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.filter.CopyBeforeWrite;
import io.varve.capture.filter.CopyBeforeWriteBackend;
import io.varve.capture.filter.SnapshotAccessBackend;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.snapshot.Protection;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;

/** Opens the nodes that keep a point in time. Thread: the lock of {@link NodeGraph}. */
final class FilterOpener {
    private FilterOpener() {}

    /** @param nanos for waits of a bounded time */
    static Backend copyBeforeWrite(
            NodeSpec.CopyBeforeWrite spec, Map<String, Node> children, NodeOpener.Children graph, LongSupplier nanos)
            throws NodeRefusedException {
        Node file = Objects.requireNonNull(children.get(Node.FILE));
        Node target = Objects.requireNonNull(children.get(Node.TARGET));
        long clusterBytes = target.qcow2()
                .map(image -> (long) image.header().clusterSize().bytes())
                .orElse(0L);
        Granularity granule = new Granularity(Math.max(Granularity.DEFAULT.bytes(), clusterBytes));
        Protection protection = new Protection.Everything();
        Optional<NodeSpec.BitmapOf> bitmap = spec.keeping().bitmap();
        if (bitmap.isPresent()) {
            Marks marks = graph.marks(bitmap.get());
            if (marks.sizeBytes() != file.backend().sizeBytes()) {
                throw new NodeRefusedException("Bitmap '" + bitmap.get().name() + "' is of " + marks.sizeBytes()
                        + " bytes, and node '" + file.name() + "' of "
                        + file.backend().sizeBytes());
            }
            protection = Protection.of(marks, granule);
        }
        target.backend().fence();
        CopyBeforeWrite kept = new CopyBeforeWrite(
                file.backend(),
                new NodeTarget(target),
                new CopyBeforeWrite.Scope(granule, protection),
                spec.keeping().terms(),
                nanos);
        return new CopyBeforeWriteBackend(new ChildBackend(file), kept);
    }

    /** Where old content goes: a node, through which its own readers look at the drive, perhaps. */
    private record NodeTarget(Node node) implements CopyBeforeWrite.Target {
        @Override
        public Backend backend() {
            return new ChildBackend(node);
        }

        @Override
        public void settle() {
            node.backend().settle();
        }
    }

    /** Over any other node it's a drive that can't be read, as in QEMU. */
    static Backend snapshotAccess(Node below) {
        return below.backend().now() instanceof CopyBeforeWriteBackend filter
                ? new SnapshotAccessBackend(filter.kept())
                : new Unreadable(below.backend().sizeBytes());
    }

    private record Unreadable(long sizeBytes) implements Backend {
        @Override
        public void read(long offsetBytes, ByteBuffer into) throws IOException {
            throw refused();
        }

        @Override
        public void write(long offsetBytes, ByteBuffer data) throws IOException {
            throw refused();
        }

        @Override
        public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
            throw refused();
        }

        @Override
        public void trim(long offsetBytes, long lengthBytes) throws IOException {
            throw refused();
        }

        @Override
        public void flush() {}

        @Override
        public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
            throw refused();
        }

        @Override
        public void close() {}

        private static IOException refused() {
            return new RequestFailedException(NbdError.ENOTSUP, "the node below keeps no point in time");
        }
    }
}
