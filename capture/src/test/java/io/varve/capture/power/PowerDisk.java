package io.varve.capture.power;

import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * A disk that loses power at a chosen operation. Content is durable once its file was forced, names once their
 * directory was; of the others any may be kept or lost: content sector by sector, names in the order of their changes,
 * as journaling file systems have it.
 *
 * <p>Thread: one at a time.
 */
public final class PowerDisk {
    private final Predicate<String> liesAbout;
    private final Map<Path, PowerDirectory> directories = new TreeMap<>();
    private long operationsLeft = Long.MAX_VALUE;
    private long nextKey = 1;
    private boolean isOff;

    /** Names in a directory, as of now and as of its changes that aren't durable. */
    private static final class PowerDirectory {
        private final List<Map<String, PowerFile>> versions = new ArrayList<>(List.of(new TreeMap<>()));

        Map<String, PowerFile> now() {
            return versions.getLast();
        }

        Map<String, PowerFile> change() {
            versions.add(new TreeMap<>(now()));
            return now();
        }
    }

    /** @param liesAbout files and directories, by name, of which a sync does nothing, as a broken agent would do it */
    public PowerDisk(Predicate<String> liesAbout) {
        this.liesAbout = liesAbout;
    }

    /** The power is cut at the operation after so many more that change something. */
    public void cutAfter(long operations) {
        operationsLeft = operations;
    }

    /** The power comes back: what isn't durable is kept, lost or torn. */
    public void restart(RandomGenerator random) {
        isOff = false;
        operationsLeft = Long.MAX_VALUE;
        for (PowerDirectory directory : directories.values()) {
            List<Map<String, PowerFile>> versions = directory.versions;
            Map<String, PowerFile> chosen = versions.get(random.nextInt(versions.size()));
            versions.clear();
            versions.add(chosen);
            chosen.values().forEach(file -> file.crash(random));
        }
    }

    /** Counts an operation that changes something. */
    void operate() {
        if (isOff || operationsLeft-- <= 0) {
            isOff = true;
            throw new PowerCut();
        }
    }

    /** Throws a {@link PowerCut} when the power is gone, of which a future may have kept the first. */
    public void checkPower() {
        if (isOff) {
            throw new PowerCut();
        }
    }

    boolean isDirectory(Path path) {
        checkPower();
        return directories.containsKey(path);
    }

    void makeDirectory(Path path) {
        operate();
        directories.put(path, new PowerDirectory());
    }

    Optional<PowerFile> find(Path path) {
        checkPower();
        PowerDirectory directory = directories.get(path.getParent());
        return directory == null
                ? Optional.empty()
                : Optional.ofNullable(directory.now().get(name(path)));
    }

    PowerFile file(Path path) throws NoSuchFileException {
        return find(path).orElseThrow(() -> new NoSuchFileException(path.toString()));
    }

    PowerFile create(Path path) throws NoSuchFileException {
        operate();
        PowerFile file = new PowerFile(nextKey++, System.currentTimeMillis());
        names(path).change().put(name(path), file);
        return file;
    }

    void delete(Path path) throws NoSuchFileException {
        PowerFile _ = file(path);
        operate();
        names(path).change().remove(name(path));
    }

    void move(Path from, Path to) throws NoSuchFileException {
        PowerFile file = file(from);
        operate();
        Map<String, PowerFile> names = names(to).change();
        names.remove(name(from));
        names.put(name(to), file);
    }

    List<String> names(Path directory, Predicate<String> accepted) throws NoSuchFileException {
        checkPower();
        return names(directory.resolve("x")).now().keySet().stream()
                .filter(accepted)
                .toList();
    }

    void force(String name, PowerFile file, boolean metadata) {
        operate();
        if (!liesAbout.test(name)) {
            file.force(metadata);
        }
    }

    void forceNames(Path directory) throws NoSuchFileException {
        operate();
        if (!liesAbout.test(name(directory))) {
            List<Map<String, PowerFile>> versions = names(directory.resolve("x")).versions;
            versions.subList(0, versions.size() - 1).clear();
        }
    }

    private PowerDirectory names(Path path) throws NoSuchFileException {
        PowerDirectory directory = directories.get(path.getParent());
        if (directory == null) {
            throw new NoSuchFileException(path.toString());
        }
        return directory;
    }

    private static String name(Path path) {
        return String.valueOf(path.getFileName());
    }
}
