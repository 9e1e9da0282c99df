package io.varve.cli.quickstart;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An ext4 image of files found on this machine: data as it is, not as a test would make it up.
 *
 * @param files how many it holds
 * @param contentBytes how much they are
 */
record RealData(Path image, int files, long contentBytes) {
    static final long CONTENT_BYTES_MIN = 64L << 20;

    private static final long IMAGE_BYTES = 112L << 20;
    private static final long CONTENT_BYTES_WANTED = 72L << 20;
    private static final long FILE_BYTES_MIN = 1024;
    private static final long FILE_BYTES_MAX = 16L << 20;
    private static final int DEPTH_MAX = 6;
    private static final long PATIENCE_SECONDS = 60;

    /**
     * Makes an image.
     *
     * @param folder for the image and what it is made of
     * @param part which of {@code parts} disjoint choices of files
     * @throws IOException in one sentence
     */
    static RealData make(Path folder, int part, int parts) throws IOException, InterruptedException {
        Path content = Files.createDirectories(folder.resolve("files-" + part));
        int files = 0;
        long contentBytes = 0;
        for (Path file : candidates(part, parts)) {
            long lengthBytes = Files.size(file);
            if (contentBytes + lengthBytes <= CONTENT_BYTES_WANTED && copied(file, content.resolve(files + ".file"))) {
                contentBytes += lengthBytes;
                files++;
            }
        }
        if (contentBytes < CONTENT_BYTES_MIN) {
            throw new IOException("only " + contentBytes + " bytes of files were found to fill a drive with; expected "
                    + CONTENT_BYTES_MIN + " under " + places());
        }
        Path image = folder.resolve("data-" + part + ".ext4");
        makeFileSystem(image, content);
        delete(content);
        return new RealData(image, files, contentBytes);
    }

    private static List<Path> places() {
        return List.of(Path.of(System.getProperty("java.home")), Path.of("/usr/bin"), Path.of("/usr/lib"));
    }

    private static List<Path> candidates(int part, int parts) throws IOException {
        Candidates found = new Candidates(2L * parts * CONTENT_BYTES_WANTED);
        for (Path place : places()) {
            Files.walkFileTree(place, Set.of(), DEPTH_MAX, found);
        }
        return everyOther(found.files, part, parts);
    }

    /** Gathers files of use until they are enough; what may not be read is passed by. */
    private static final class Candidates extends SimpleFileVisitor<Path> {
        private final List<Path> files = new ArrayList<>();
        private final long bytesWanted;
        private long bytes;

        Candidates(long bytesWanted) {
            this.bytesWanted = bytesWanted;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile() && isOfUse(attributes.size()) && Files.isReadable(file)) {
                files.add(file);
                bytes += attributes.size();
            }
            return bytes > bytesWanted ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException failure) {
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure) {
            return FileVisitResult.CONTINUE;
        }
    }

    private static boolean isOfUse(long lengthBytes) {
        return lengthBytes >= FILE_BYTES_MIN && lengthBytes <= FILE_BYTES_MAX;
    }

    private static List<Path> everyOther(List<Path> files, int part, int parts) {
        List<Path> chosen = new ArrayList<>();
        for (int index = part; index < files.size(); index += parts) {
            chosen.add(files.get(index));
        }
        return chosen;
    }

    private static boolean copied(Path from, Path to) throws IOException {
        try {
            Files.copy(from, to, LinkOption.NOFOLLOW_LINKS);
            return true;
        } catch (AccessDeniedException e) {
            return false;
        }
    }

    private static void makeFileSystem(Path image, Path content) throws IOException, InterruptedException {
        Process mke2fs = new ProcessBuilder(
                        program("mke2fs"),
                        "-q",
                        "-F",
                        "-t",
                        "ext4",
                        "-d",
                        content.toString(),
                        image.toString(),
                        IMAGE_BYTES / 1024 + "k")
                .redirectErrorStream(true)
                .start();
        String said = new String(mke2fs.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!mke2fs.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || mke2fs.exitValue() != 0) {
            throw new IOException("mke2fs couldn't make the file system '" + image + "': " + said.strip());
        }
    }

    /** Programs of the system administrator's folder aren't on everybody's path. */
    private static String program(String name) {
        Path path = Path.of("/usr/sbin", name);
        return Files.isExecutable(path) ? path.toString() : name;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
