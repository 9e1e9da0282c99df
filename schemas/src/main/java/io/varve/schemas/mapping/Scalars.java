package io.varve.schemas.mapping;

import io.varve.core.bits.Digest;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.schemas.avro.Sha256;
import io.varve.schemas.avro.Uuid;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;

/** The small values of which records are made. */
final class Scalars {
    private Scalars() {}

    static Sha256 toAvro(Digest digest) {
        return new Sha256(HexFormat.of().parseHex(digest.hex()));
    }

    static Digest toCore(Sha256 sha256) {
        return new Digest(HexFormat.of().formatHex(sha256.bytes()));
    }

    /** Big-endian, as RFC 9562 writes it. */
    static Uuid toAvro(UUID uuid) {
        return new Uuid(ByteBuffer.allocate(16)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .array());
    }

    static UUID toCore(Uuid uuid) {
        ByteBuffer bytes = ByteBuffer.wrap(uuid.bytes());
        return new UUID(bytes.getLong(), bytes.getLong());
    }

    static List<String> driveNames(Collection<DriveId> drives) {
        return drives.stream().map(DriveId::value).toList();
    }

    static SortedSet<DriveId> drives(List<String> names) {
        TreeSet<DriveId> drives = new TreeSet<>();
        names.forEach(name -> drives.add(new DriveId(name)));
        return drives;
    }

    static List<String> bitmapNames(Collection<BitmapName> bitmaps) {
        return bitmaps.stream().map(BitmapName::value).toList();
    }

    static SortedSet<BitmapName> bitmaps(List<String> names) {
        TreeSet<BitmapName> bitmaps = new TreeSet<>();
        names.forEach(name -> bitmaps.add(new BitmapName(name)));
        return bitmaps;
    }

    /** What a union holds that no schema of this version puts there. */
    static IllegalArgumentException unexpected(String field, Object value) {
        return new IllegalArgumentException(
                field + " holds a " + value.getClass().getName() + ", which this version of Varve doesn't know");
    }
}
