package io.varve.capture.export;

import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.Export;
import io.varve.capture.node.DeviceIo;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * A node as the clients of a block export see it: what they may do, and which contexts they may ask for. An overlay
 * that comes over the node takes its place.
 */
final class OfferedNode implements Export {
    private final BlockExport export;
    private final DeviceIo way;
    private final boolean severalClients;

    /** @param severalClients whether the server takes more than one connection */
    OfferedNode(BlockExport export, boolean severalClients) {
        this.export = export;
        this.way = export.way();
        this.severalClients = severalClients;
    }

    @Override
    public long sizeBytes() {
        return way.sizeBytes();
    }

    @Override
    public Set<TransmissionFlag> flags() {
        EnumSet<TransmissionFlag> flags =
                EnumSet.copyOf(export.order().writable() ? TransmissionFlag.WRITABLE : TransmissionFlag.UNWRITABLE);
        flags.add(TransmissionFlag.SEND_FUA); // As QEMU has it, of what's read-only, too.
        if (!severalClients) {
            flags.remove(TransmissionFlag.CAN_MULTI_CONN);
        }
        return flags;
    }

    @Override
    public List<String> metaContexts() {
        List<String> contexts = new ArrayList<>();
        contexts.add(StatusExtent.BASE_ALLOCATION);
        if (export.order().allocationDepth()) {
            contexts.add(StatusExtent.ALLOCATION_DEPTH);
        }
        export.bitmaps().forEach(bitmap -> contexts.add(bitmap.context()));
        return contexts;
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        way.read(offsetBytes, into);
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        return way.readAtOnce(offsetBytes, into);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        way.willRead(offsetBytes, lengthBytes);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return way.zeroBytes(offsetBytes, lengthBytes);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data, Completion completion) {
        way.write(offsetBytes, data, completion);
    }

    @Override
    public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
        way.writeZeroes(offsetBytes, lengthBytes, mode, completion);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes, Completion completion) {
        way.trim(offsetBytes, lengthBytes, completion);
    }

    @Override
    public void flush(Completion completion) {
        way.flush(completion);
    }

    @Override
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax)
            throws IOException {
        if (context.equals(StatusExtent.ALLOCATION_DEPTH)) {
            return AllocationDepth.of(way.node(), offsetBytes, lengthBytes, extentsMax);
        }
        for (OfferedBitmap bitmap : export.bitmaps()) {
            if (context.equals(bitmap.context())) {
                return bitmap.node().io().blockStatus(context, offsetBytes, lengthBytes, extentsMax);
            }
        }
        return way.blockStatus(context, offsetBytes, lengthBytes, extentsMax);
    }
}
