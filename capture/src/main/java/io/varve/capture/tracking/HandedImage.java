package io.varve.capture.tracking;

import io.varve.core.drive.ImageIdentity;
import java.util.Optional;

/** Which image the target of a hand-over goes on with, and how it's known again. */
public enum HandedImage {
    /** The source's own, on storage that both reach: nobody has touched it since. */
    SHARED,
    /** A copy that somebody made of it: whoever did warrants that it's as the source left its image. */
    COPIED;

    /** Why {@code now} isn't the image that was left, if so. Another host has other numbers for a shared file. */
    Optional<String> doubt(DriveImage image, ImageIdentity left, ImageIdentity now) {
        if (!left.sampleSha256().equals(now.sampleSha256())) {
            return Optional.of("the image isn't as the agent that handed over the drive left it: a sample differs");
        }
        if (this == COPIED) {
            return Optional.empty();
        }
        if (image.isRegularFile()) {
            return left.modifiedMillis() == now.modifiedMillis()
                    ? Optional.empty()
                    : Optional.of("the image was changed after the agent that handed over the drive had left it");
        }
        return image.isExclusive()
                ? Optional.empty()
                : Optional.of("the image isn't a regular file, so nobody knows whether it was changed during the "
                        + "hand-over; declare it exclusive=on if nobody could");
    }
}
