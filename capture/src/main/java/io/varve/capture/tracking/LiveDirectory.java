package io.varve.capture.tracking;

import io.varve.core.cut.InFlightTable;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A drive's mapped files on memory-backed storage: {@code GENERATION-INCARNATION.live} and
 * {@code INCARNATION.inflight}.
 *
 * <p>Thread: under the agent's control lock.
 */
final class LiveDirectory {
    private final Path directory;

    private LiveDirectory(Path directory) {
        this.directory = directory;
    }

    /** The directory, made if need be, which nobody else may read. */
    static LiveDirectory open(Path directory) throws IOException {
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        return new LiveDirectory(directory);
    }

    LiveSet create(MarkFileHeader header) throws IOException {
        return LiveSet.create(directory.resolve(name(header.generation(), header.incarnation())), header);
    }

    /** The file's name of a generation's live set. */
    static String name(long generation, IncarnationId incarnation) {
        return generation + "-" + incarnation + ".live";
    }

    /** Room for a table of writes in flight, all slots free; the caller closes it. */
    MappedFile createInFlight(IncarnationId incarnation) throws IOException {
        Path path = directory.resolve(incarnation + ".inflight");
        return MappedFile.create(path, InFlightTable.byteSize(AgentOptions.IN_FLIGHT_MAX));
    }

    /** The writes that were in flight when {@code incarnation} ended; empty when that isn't known. */
    Optional<MappedFile> inFlight(IncarnationId incarnation) throws IOException {
        Path path = directory.resolve(incarnation + ".inflight");
        return Files.exists(path) ? Optional.of(MappedFile.openReadOnly(path)) : Optional.empty();
    }

    /** The live sets that are there, to be closed by the caller; what isn't one is left out. */
    List<LiveSet> sets() throws IOException {
        List<LiveSet> sets = new ArrayList<>();
        try {
            for (Path file : files("*.live")) {
                LiveSet.open(file).ifPresent(sets::add);
            }
            return sets;
        } catch (IOException e) {
            sets.forEach(LiveSet::close);
            throw e;
        }
    }

    /** Removes what earlier incarnations left. */
    void deleteAllBut(IncarnationId incarnation) throws IOException {
        for (Path file : files("*.{live,inflight}")) {
            if (!file.getFileName().toString().contains(incarnation.toString())) {
                Files.deleteIfExists(file);
            }
        }
    }

    void deleteAll() throws IOException {
        for (Path file : files("*.{live,inflight}")) {
            Files.deleteIfExists(file);
        }
    }

    private List<Path> files(String glob) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, glob)) {
            files.forEach(found::add);
        }
        return found;
    }
}
