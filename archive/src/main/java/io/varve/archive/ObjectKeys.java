package io.varve.archive;

import io.varve.archive.store.ObjectKey;
import io.varve.core.commit.UnitId;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where things stand in an archive (design.md section 5), made from checked ids only:
 *
 * <pre>
 *   DRIVE/CHAIN/000001-incremental.ATTEMPT.qcow2   data
 *   DRIVE/CHAIN/000001-incremental.ATTEMPT.sums    checksums of its clusters
 *   DRIVE/CHAIN/000001-incremental.ATTEMPT.json    manifest
 *   sync-points/ID[.DRIVE].json                    decision
 * </pre>
 */
public final class ObjectKeys {
    /** The folder of the decisions, which no drive may have. */
    static final String SYNC_POINTS = "sync-points";

    private static final Pattern DECISION = Pattern.compile("sync-points/([a-z0-9-]+)(?:\\.([a-z0-9-]+))?\\.json");
    private static final Pattern MANIFEST = Pattern.compile("[^/]+/[^/]+/[^/]+\\.json");

    private ObjectKeys() {}

    public static ObjectKey data(BackupName name) {
        return key(name, ".qcow2");
    }

    public static ObjectKey sums(BackupName name) {
        return key(name, ".sums");
    }

    public static ObjectKey manifest(BackupName name) {
        return key(name, ".json");
    }

    private static ObjectKey key(BackupName name, String suffix) {
        return new ObjectKey(name.drive() + "/" + name.chain() + "/" + fileStem(name) + "." + name.attempt() + suffix);
    }

    private static String fileStem(BackupName name) {
        return String.format(Locale.ROOT, "%06d-%s", name.sequence(), name.isFull() ? "full" : "incremental");
    }

    public static ObjectKey decision(UnitId unit) {
        return new ObjectKey(SYNC_POINTS + "/" + unit + ".json");
    }

    /** What the keys of a sync point's decisions begin with: its id, then a dot, which no id holds. */
    static String decisionPrefix(SyncPointId syncPoint) {
        return SYNC_POINTS + "/" + syncPoint + ".";
    }

    /** Which unit a decision's key stands for, or empty when the key isn't a decision's. */
    static Optional<UnitId> unitOf(ObjectKey key) {
        Matcher matcher = DECISION.matcher(key.value());
        if (!matcher.matches() || !SyncPointId.isValid(matcher.group(1))) {
            return Optional.empty();
        }
        SyncPointId syncPoint = new SyncPointId(matcher.group(1));
        String drive = matcher.group(2);
        if (drive == null) {
            return Optional.of(new UnitId(syncPoint, Optional.empty()));
        }
        return DriveId.isValid(drive)
                ? Optional.of(new UnitId(syncPoint, Optional.of(new DriveId(drive))))
                : Optional.empty();
    }

    static boolean isManifest(ObjectKey key) {
        return MANIFEST.matcher(key.value()).matches();
    }
}
