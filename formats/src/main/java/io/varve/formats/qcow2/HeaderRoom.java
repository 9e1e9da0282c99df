package io.varve.formats.qcow2;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where in a header the bitmap extension stands or could, and how it's changed so that a cut at any moment leaves an
 * image that opens, and no bitmap that's wrong: while the extension changes, its autoclear feature is off.
 *
 * @param bitmapsOffset of the bitmap extension; empty when there is none
 * @param endOffset of the mark that ends the extensions; empty when there is none
 * @param nameOffset of the backing file's name; 0 without one
 * @param limitBytes where the header's cluster ends, or what is known of it
 */
record HeaderRoom(Optional<Integer> bitmapsOffset, Optional<Integer> endOffset, int nameOffset, int limitBytes) {
    /** The type that takes a dropped extension's place among others: nobody knows it, so everybody skips it. */
    private static final int SKIPPED_TYPE = 0x56535020;

    private static final int WHOLE_BYTES = HeaderFields.EXTENSION_HEAD_BYTES + BitmapExtension.LENGTH_BYTES;

    /** How to make it say {@code extension}; empty when there's no room for that. */
    Optional<List<HeaderWrite>> put(BitmapExtension extension, DriveHeader header) {
        List<HeaderWrite> writes = new ArrayList<>();
        long others = header.autoclear() & ~BitmapExtension.AUTOCLEAR;
        if (bitmapsOffset.isPresent()) {
            if (header.autoclear() != others) {
                writes.add(autoclear(others));
            }
            writes.add(new HeaderWrite(
                    bitmapsOffset.get() + HeaderFields.EXTENSION_HEAD_BYTES, ByteBuffer.wrap(extension.bytes())));
        } else {
            if (endOffset.isEmpty() || !makeRoom(endOffset.get() + WHOLE_BYTES, header, writes)) {
                return Optional.empty();
            }
            // Behind the end nobody reads; the new end is there before the old one goes.
            writes.add(new HeaderWrite(
                    endOffset.get() + HeaderFields.EXTENSION_HEAD_BYTES,
                    ByteBuffer.allocate(WHOLE_BYTES).put(extension.bytes()).clear()));
            writes.add(head(endOffset.get(), BitmapExtension.TYPE));
        }
        writes.add(autoclear(others | BitmapExtension.AUTOCLEAR));
        return Optional.of(writes);
    }

    /** Moves the backing file's name, if it's in the way of extensions whose end mark stands at {@code newEnd}. */
    private boolean makeRoom(int newEnd, DriveHeader header, List<HeaderWrite> writes) {
        int needed = newEnd + HeaderFields.EXTENSION_HEAD_BYTES;
        if (needed > limitBytes) {
            return false;
        }
        if (header.backingName().isEmpty() || nameOffset >= needed || nameOffset < endOffset.orElseThrow()) {
            return true;
        }
        byte[] name = header.backingNameBytes();
        int newOffset = HeaderFields.padded(Math.max(needed, nameOffset + name.length));
        if (newOffset + name.length > limitBytes) {
            return false;
        }
        writes.add(new HeaderWrite(newOffset, ByteBuffer.wrap(name)));
        writes.add(new HeaderWrite(
                HeaderFields.BACKING_OFFSET,
                ByteBuffer.allocate(Long.BYTES).putLong(newOffset).flip()));
        return true;
    }

    /** How to make it say that there's no bitmap. */
    List<HeaderWrite> drop(DriveHeader header) {
        List<HeaderWrite> writes = new ArrayList<>();
        if ((header.autoclear() & BitmapExtension.AUTOCLEAR) != 0) {
            writes.add(autoclear(header.autoclear() & ~BitmapExtension.AUTOCLEAR));
        }
        bitmapsOffset.ifPresent(offset -> {
            boolean isLast = endOffset.isPresent() && endOffset.get() == offset + WHOLE_BYTES;
            writes.add(
                    isLast
                            ? new HeaderWrite(offset, ByteBuffer.allocate(HeaderFields.EXTENSION_HEAD_BYTES))
                            : head(offset, SKIPPED_TYPE));
        });
        return writes;
    }

    private static HeaderWrite head(int offset, int type) {
        return new HeaderWrite(
                offset,
                ByteBuffer.allocate(HeaderFields.EXTENSION_HEAD_BYTES)
                        .putInt(type)
                        .putInt(BitmapExtension.LENGTH_BYTES)
                        .flip());
    }

    private static HeaderWrite autoclear(long features) {
        return new HeaderWrite(
                HeaderFields.AUTOCLEAR_OFFSET,
                ByteBuffer.allocate(Long.BYTES).putLong(features).flip());
    }
}
