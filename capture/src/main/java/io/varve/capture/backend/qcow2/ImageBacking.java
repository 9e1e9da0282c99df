package io.varve.capture.backend.qcow2;

import io.varve.formats.qcow2.Backing;
import io.varve.formats.qcow2.HeaderWrite;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Gives a qcow2 image another backing file while nobody has it open. */
public final class ImageBacking {
    private ImageBacking() {}

    /**
     * Names another backing file in the header, durably.
     *
     * @throws IOException in one sentence; the image is as before
     */
    public static void change(Path path, Backing backing) throws IOException {
        ClosedImage.change(path, (file, head, header) -> {
            Optional<HeaderWrite> write = header.writeToChangeBacking(head, backing);
            if (write.isEmpty()) {
                throw file.error("has no room in its header for the backing file's name '" + backing.fileName()
                        + "': give a shorter 'backing-file'");
            }
            file.write(write.get().offsetBytes(), write.get().bytes().duplicate());
            file.sync();
        });
    }
}
