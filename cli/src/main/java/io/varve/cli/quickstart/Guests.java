package io.varve.cli.quickstart;

import io.varve.cli.quickstart.GuestWriter.Territory;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** The writers of all drives, several for each. Thread: its owner's only. */
final class Guests implements AutoCloseable {
    private static final int WRITERS_PER_DRIVE = 2;

    private final Map<String, DriveModel> models = new HashMap<>();
    private final List<GuestWriter> writers = new ArrayList<>();

    /** Begins to write a drive, which holds what {@code model} says. */
    void visit(String drive, NbdUri uri, DriveModel model, SplittableRandom random) throws IOException {
        models.put(drive, model);
        int blocks = model.blockCount() / WRITERS_PER_DRIVE;
        for (int index = 0; index < WRITERS_PER_DRIVE; index++) {
            Territory territory = new Territory(drive, model, index * blocks, (index + 1) * blocks);
            NbdClient client = NbdClient.connect(uri, List.of(), NbdClientOptions.DEFAULT);
            writers.add(GuestWriter.start(territory, client, random.split()));
        }
    }

    /** Returns when no write of any drive is in flight. */
    void pause() {
        writers.forEach(GuestWriter::pause);
    }

    void goOn() {
        writers.forEach(GuestWriter::goOn);
    }

    /** What each drive holds; while they pause. */
    Map<String, DriveModel> remember() {
        Map<String, DriveModel> copies = new HashMap<>();
        models.forEach((drive, model) -> copies.put(drive, model.copy()));
        return copies;
    }

    void startRecording() {
        writers.forEach(GuestWriter::startRecording);
    }

    List<WriteHistory> stopRecording() {
        return writers.stream().map(GuestWriter::stopRecording).toList();
    }

    /** Writes that were acknowledged since they began, of all drives. */
    long acked() {
        return writers.stream().mapToLong(GuestWriter::acked).sum();
    }

    /**
     * Looks whether all went well.
     *
     * @throws IOException if a write failed: a guest's write must never fail
     */
    void check() throws IOException {
        for (GuestWriter writer : writers) {
            writer.check();
        }
    }

    @Override
    public void close() throws InterruptedException {
        for (GuestWriter writer : writers) {
            writer.close();
        }
    }
}
