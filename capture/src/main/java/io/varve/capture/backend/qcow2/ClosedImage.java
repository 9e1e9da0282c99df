package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.BackendAccess;
import io.varve.formats.qcow2.Decoding;
import io.varve.formats.qcow2.DriveHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Changes the header of an image while nobody has it open. */
final class ClosedImage {
    private ClosedImage() {}

    /** What is changed. */
    interface Change {
        /**
         * Makes it.
         *
         * @param head what the header was decoded from
         */
        void make(ImageFile file, ByteBuffer head, DriveHeader header) throws IOException;
    }

    /**
     * Opens the image, has it changed, and closes it.
     *
     * @throws IOException in one sentence
     */
    static void change(Path path, Change change) throws IOException {
        ImageFile file = ImageFile.open(path, BackendAccess.READ_WRITE);
        try {
            ByteBuffer head = ByteBuffer.allocate((int) Math.min(DriveHeader.HEAD_BYTES_MAX, file.lengthBytes()));
            file.read(0, head);
            DriveHeader header = switch (DriveHeader.decode(head.flip(), file.lengthBytes())) {
                case Decoding.Decoded<DriveHeader>(DriveHeader decoded) -> decoded;
                case Decoding.Refused<DriveHeader>(var reason) -> throw file.error(reason);
            };
            change.make(file, head, header);
        } finally {
            file.close();
        }
    }
}
