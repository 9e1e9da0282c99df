package io.varve.cli.stack;

import io.varve.core.id.DriveId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * What a stack must know of a drive, whose further options are the agent's business.
 *
 * @param argument as the agent takes it
 */
public record StackDrive(DriveId id, Path image, String argument) {

    private static final int SECTOR_BYTES = 512;

    /**
     * Reads {@code name=PATH[,…]}; a comma in the path is written twice.
     *
     * @throws IllegalArgumentException in one sentence
     */
    public static StackDrive parse(String argument) {
        int equals = argument.indexOf('=');
        if (equals <= 0 || equals == argument.length() - 1) {
            throw new IllegalArgumentException("'" + argument + "' isn't a drive; expected NAME=PATH");
        }
        var path = argument.substring(equals + 1)
                .replace(",,", "\0")
                .split(",", 2)[0]
                .replace('\0', ',');
        return new StackDrive(new DriveId(argument.substring(0, equals)), Path.of(path), argument);
    }

    /** Looks whether the image is there, before anything is started for it. */
    void check() throws IOException {
        if (!Files.exists(image)) {
            throw new NoSuchFileException(image.toString());
        }
        if (Files.isDirectory(image)) {
            throw new IOException("The image " + image + " of drive " + id + " is a folder; expected a raw image");
        }
        if (Files.isRegularFile(image) && Files.size(image) % SECTOR_BYTES != 0) {
            throw new IOException("The image " + image + " of drive " + id + " has " + Files.size(image)
                    + " bytes, which isn't a multiple of " + SECTOR_BYTES + "; grow it, for example with truncate");
        }
        if (!Files.isReadable(image) || !Files.isWritable(image)) {
            throw new IOException("The image " + image + " of drive " + id + " can't be read and written by this user");
        }
    }
}
