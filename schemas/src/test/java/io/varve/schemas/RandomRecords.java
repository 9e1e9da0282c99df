package io.varve.schemas;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.PackedMarks;
import io.varve.core.commit.Part;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.Generation;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.SyncPointId;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/** Random values of core's records, by their components: a new field is covered without a change here. */
final class RandomRecords {
    private final SplittableRandom random;

    RandomRecords(SplittableRandom random) {
        this.random = random;
    }

    /** A record of the log with an event of the given type. */
    LogRecord logRecord(Class<?> eventType) {
        DriveEvent event = (DriveEvent) any(eventType);
        long control = event instanceof DriveEvent.ExtentsDirtied ? 0 : 1 + random.nextLong(1L << 40);
        return new LogRecord(any(DriveId.class), any(IncarnationId.class), control, event);
    }

    /** A value of a record, of one of a sealed type's, or of an enum. */
    <T> T any(Class<T> type) {
        return type.cast(value(type));
    }

    private Object value(Type type) {
        if (type instanceof ParameterizedType generic) {
            return container(generic);
        }
        Class<?> plain = (Class<?>) type;
        return simple(plain).orElseGet(() -> {
            if (plain.isEnum()) {
                return plain.getEnumConstants()[random.nextInt(plain.getEnumConstants().length)];
            }
            if (plain.isSealed()) {
                return value(plain.getPermittedSubclasses()[random.nextInt(plain.getPermittedSubclasses().length)]);
            }
            return record(plain);
        });
    }

    private Optional<Object> simple(Class<?> type) {
        if (type == long.class || type == Long.class) {
            return Optional.of(random.nextLong() >>> random.nextInt(1, 64));
        }
        if (type == int.class) {
            return Optional.of(random.nextInt());
        }
        if (type == boolean.class) {
            return Optional.of(random.nextBoolean());
        }
        if (type == String.class) {
            return Optional.of("text ü " + random.nextInt());
        }
        if (type == UUID.class) {
            return Optional.of(new UUID(random.nextLong(), random.nextLong()));
        }
        return named(type);
    }

    private Optional<Object> named(Class<?> type) {
        if (type == DriveId.class) {
            return Optional.of(new DriveId("drive-" + random.nextInt(1000)));
        }
        if (type == SyncPointId.class) {
            return Optional.of(new SyncPointId("sp-" + random.nextInt(1000)));
        }
        if (type == BitmapName.class) {
            return Optional.of(new BitmapName("bitmap ü " + random.nextInt(1000)));
        }
        if (type == Granularity.class) {
            return Optional.of(new Granularity(512L << random.nextInt(23)));
        }
        if (type == Digest.class) {
            return Optional.of(new Digest(HexFormat.of().formatHex(bytes(32))));
        }
        if (type == PackedMarks.class) {
            return Optional.of(
                    new PackedMarks(any(Granularity.class), random.nextLong(1L << 40), bytes(random.nextInt(50))));
        }
        return Optional.empty();
    }

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private Object record(Class<?> type) {
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        Object[] values =
                Arrays.stream(components).map(c -> value(c.getGenericType())).toArray();
        try {
            return type.getDeclaredConstructor(types).newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("can't make a " + type, e);
        }
    }

    private Object container(ParameterizedType type) {
        Type element = type.getActualTypeArguments()[0];
        if (type.getRawType() == Optional.class) {
            return random.nextBoolean() ? Optional.empty() : Optional.of(value(element));
        }
        if (element == Extent.class) {
            return extents();
        }
        List<Object> elements = new ArrayList<>();
        for (int count = random.nextInt(4); count > 0; count--) {
            elements.add(value(element));
        }
        if (type.getRawType() == List.class) {
            return elements;
        }
        if (type.getRawType() == SortedSet.class) {
            return new TreeSet<>(elements);
        }
        if (type.getRawType() == SortedMap.class) {
            return map(elements, type.getActualTypeArguments()[1]);
        }
        throw new AssertionError("no values of " + type);
    }

    private SortedMap<Object, Object> map(List<Object> keys, Type valueType) {
        SortedMap<Object, Object> map = new TreeMap<>();
        for (Object key : keys) {
            Object value = value(valueType);
            map.put(keyOf(value).orElse(key), value);
        }
        return map;
    }

    /** Many values hold their own key. */
    private static Optional<Object> keyOf(Object value) {
        return switch (value) {
            case Generation generation -> Optional.of(generation.number());
            case Bitmap bitmap -> Optional.of(bitmap.name());
            case UndecidedBackup backup -> Optional.of(backup.mark().key());
            case Part part -> Optional.of(part.drive());
            default -> Optional.empty();
        };
    }

    private List<Extent> extents() {
        List<Extent> extents = new ArrayList<>();
        int shift = random.nextInt(20);
        long end = 0;
        for (int count = random.nextInt(20); count > 0; count--) {
            long start = end + random.nextLong(1000);
            end = start + 1 + random.nextLong(1000);
            extents.add(new Extent(start << shift, (end - start) << shift));
        }
        return extents;
    }
}
