package io.varve.transfer.target;

import io.varve.archive.store.StoredParts;
import io.varve.formats.qcow2.ClusterKind;
import io.varve.formats.qcow2.ImageGeometry;
import io.varve.formats.qcow2.ImageStream;
import io.varve.formats.qcow2.ImageStream.Placement;
import io.varve.formats.qcow2.ImageTail;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Streams a qcow2 image to a target, in parts. */
public final class Qcow2Writer implements ImageWriter {
    private final ImageTarget target;
    private final ImageStream image;
    private final PartStream parts;

    public Qcow2Writer(ImageGeometry geometry, ImageTarget target, PartPlan plan) {
        this.target = target;
        image = new ImageStream(geometry);
        parts = new PartStream(target, plan, geometry.clusterSize().bytes());
    }

    @Override
    public String describe() {
        return target.describe();
    }

    @Override
    public long data(long cluster, ByteBuffer bytes) throws IOException, InterruptedException {
        Placement placement = image.place(cluster, ClusterKind.DATA);
        appendTable(placement);
        parts.append(bytes);
        return switch (placement) {
            case Placement.Data data -> data.hostOffsetBytes();
            case Placement.Zero _ -> throw new IllegalStateException("data was placed as zeros: cluster " + cluster);
        };
    }

    @Override
    public void zero(long cluster) throws IOException, InterruptedException {
        appendTable(image.place(cluster, ClusterKind.ZERO));
    }

    private void appendTable(Placement placement) throws IOException, InterruptedException {
        Optional<ByteBuffer> table = placement.finishedTable();
        if (table.isPresent()) {
            parts.append(table.get());
        }
    }

    @Override
    public void finish() throws IOException, InterruptedException {
        ImageTail tail = image.finish();
        while (tail.hasNext()) {
            parts.append(tail.next());
        }
        parts.finish(tail.header());
    }

    @Override
    public Optional<StoredParts> complete() throws IOException {
        parts.close();
        return Optional.of(target.complete());
    }

    @Override
    public void abort() throws IOException {
        parts.close();
        target.abort();
    }
}
