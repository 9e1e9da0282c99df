package io.varve.capture.activity;

/**
 * How an agent keeps its activity logs.
 *
 * @param enabled whether it keeps any; without, a crash of the host makes bitmaps inconsistent
 * @param hotRegionsMax how many regions of a drive may stay hot
 */
public record ActivityOptions(boolean enabled, int hotRegionsMax) {
    public static final int HOT_REGIONS_MAX_DEFAULT = 1024;
    public static final ActivityOptions DEFAULT = new ActivityOptions(true, HOT_REGIONS_MAX_DEFAULT);
    public static final ActivityOptions OFF = new ActivityOptions(false, HOT_REGIONS_MAX_DEFAULT);

    public ActivityOptions {
        if (hotRegionsMax <= 0 || hotRegionsMax > 1 << 20) {
            throw new IllegalArgumentException(
                    "activity log of " + hotRegionsMax + " hot regions; expected 1 to " + (1 << 20));
        }
    }
}
