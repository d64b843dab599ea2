namespace AstStream.Station.Store;

/// <summary>
/// The tables of a store. A store says its version; one of an earlier version is brought to this one when it is opened for writing, by the
/// steps after its own.
/// </summary>
internal static class StoreSchema
{
    /// <summary>"ASTS", which tells a store from other SQLite files.</summary>
    public const long ApplicationId = 0x41535453;

    /// <summary>The version that this program writes.</summary>
    public static int Version => s_steps.Length;

    /// <summary>
    /// What makes each version of the one before. Times are UTC, in units of 100 ns since 1970; samples are those of the models' rate, from
    /// the start of the recording that they are of.
    /// </summary>
    private static readonly string[] s_steps =
    [
        """
        CREATE TABLE labels (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE models (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, precision TEXT NOT NULL, provider TEXT NOT NULL,
            UNIQUE (name, hash, precision, provider));
        CREATE TABLE streams (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
            UNIQUE (name, source, topic, partition));

        -- time: of the onset; where the recording's start is not known (clock 0), when it was stored. clock: 1 not synchronised, 2 good.
        CREATE TABLE events (
            number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, stream INTEGER NOT NULL, label INTEGER NOT NULL, model INTEGER NOT NULL,
            closed INTEGER NOT NULL, time INTEGER NOT NULL, clock INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
            score REAL NOT NULL, mean_score REAL NOT NULL, first_offset INTEGER NOT NULL, last_offset INTEGER NOT NULL);
        CREATE INDEX events_by_time ON events (time);
        CREATE INDEX events_by_label ON events (label, time);
        CREATE INDEX events_by_stream ON events (stream, time);

        -- Events and their seconds by day, as the calendar has it where they were stored: a year is added up in no time.
        CREATE TABLE label_days (
            label INTEGER NOT NULL, day INTEGER NOT NULL, events INTEGER NOT NULL, seconds REAL NOT NULL,
            PRIMARY KEY (label, day)) WITHOUT ROWID;
        CREATE TABLE stream_days (
            stream INTEGER NOT NULL, day INTEGER NOT NULL, label INTEGER NOT NULL, events INTEGER NOT NULL, seconds REAL NOT NULL,
            PRIMARY KEY (stream, day, label)) WITHOUT ROWID;

        -- A stretch of a stream whose samples are counted from one start; time 0 where that is not known.
        CREATE TABLE recordings (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, time INTEGER NOT NULL, UNIQUE (stream, time));
        CREATE TABLE coverage (
            recording INTEGER NOT NULL, model INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, state TEXT NOT NULL,
            reason TEXT NOT NULL, source TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (recording, model, start)) WITHOUT ROWID;
        CREATE INDEX coverage_by_time ON coverage (time);
        """,
        """
        -- What people found. Only added to: the last one of an event holds.
        CREATE TABLE reviews (
            number INTEGER PRIMARY KEY, event INTEGER NOT NULL, verdict TEXT NOT NULL, label TEXT, by TEXT NOT NULL, time INTEGER NOT NULL);
        CREATE INDEX reviews_by_event ON reviews (event);
        """,
        """
        -- Sound in files. id: of the first event in it. start and samples: at the stream's own rate. muted: private, missing: lost samples.
        CREATE TABLE clips (
            number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, stream INTEGER NOT NULL, time INTEGER NOT NULL, clock INTEGER NOT NULL,
            start INTEGER NOT NULL, rate INTEGER NOT NULL, samples INTEGER NOT NULL, muted INTEGER NOT NULL, missing INTEGER NOT NULL,
            file TEXT NOT NULL, bytes INTEGER NOT NULL, pinned INTEGER NOT NULL);
        CREATE INDEX clips_by_time ON clips (time);

        -- Which events' sound is in which clip. An event may come into the store after its clip.
        CREATE TABLE clip_events (event BLOB NOT NULL, clip INTEGER NOT NULL, PRIMARY KEY (event, clip)) WITHOUT ROWID;
        CREATE INDEX clip_events_by_clip ON clip_events (clip);

        -- What a run that was killed left open is found at once.
        CREATE INDEX events_open ON events (number) WHERE closed = 0;
        """,
        """
        -- Levels of a stream by minute, in dBFS. calibration: what is added for dB SPL, where that is known. bands: tenths of a dB, 16 bits
        -- each, little-endian, from the one-third octave at 25 Hz on.
        CREATE TABLE levels (
            stream INTEGER NOT NULL, time INTEGER NOT NULL, seconds REAL NOT NULL, laeq REAL NOT NULL, lcpeak REAL NOT NULL,
            la10 REAL NOT NULL, la90 REAL NOT NULL, calibration REAL, bands BLOB NOT NULL, PRIMARY KEY (stream, time)) WITHOUT ROWID;
        CREATE INDEX levels_by_time ON levels (time);
        """,
        """
        -- How a clip's time was scored, as JSON: model, label, times in seconds from the start of the recording, scores.
        ALTER TABLE clips ADD COLUMN scores TEXT NOT NULL DEFAULT '[]';
        """,
        """
        -- Notifications. key: one of a target for each moment of an event. state: waiting, held (for a digest), sent, gathered (into a
        -- digest), refused (by the target), expired. made: when it was. due: until when it waits for a clip; 0 where it does not. time: of
        -- what it is about. notice: what is sent, as JSON. A target gets them in the order of their numbers.
        CREATE TABLE notifications (
            number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, target TEXT NOT NULL, rule TEXT NOT NULL, event BLOB, label TEXT NOT NULL,
            stream TEXT NOT NULL, state TEXT NOT NULL, made INTEGER NOT NULL, due INTEGER NOT NULL, time INTEGER NOT NULL,
            notice TEXT NOT NULL, problem TEXT NOT NULL DEFAULT '');
        CREATE INDEX notifications_by_target ON notifications (state, target, number);
        CREATE INDEX notifications_made ON notifications (made);
        """,
        """
        -- What models that score in the shadow of others would have reported. time: of the onset.
        CREATE TABLE shadow_events (
            id BLOB PRIMARY KEY, stream INTEGER NOT NULL, label INTEGER NOT NULL, model INTEGER NOT NULL, time INTEGER NOT NULL,
            end INTEGER NOT NULL, score REAL NOT NULL) WITHOUT ROWID;
        CREATE INDEX shadow_events_by_time ON shadow_events (time);

        -- When each of them heard something in the shadow of which one. Times of one pair do not overlap.
        CREATE TABLE shadow_times (
            model TEXT NOT NULL, hash TEXT NOT NULL, beside TEXT NOT NULL, began INTEGER NOT NULL, ended INTEGER NOT NULL,
            PRIMARY KEY (model, hash, beside, began)) WITHOUT ROWID;
        """,
        """
        -- What events were to their model: 16-bit floats, little-endian. number: in the order in which they came. event: events.number.
        CREATE TABLE embeddings (
            number INTEGER PRIMARY KEY AUTOINCREMENT, event INTEGER NOT NULL UNIQUE, model INTEGER NOT NULL, vector BLOB NOT NULL);
        CREATE TRIGGER embeddings_go AFTER DELETE ON events BEGIN DELETE FROM embeddings WHERE event = OLD.number; END;
        """,
    ];

    /// <summary>What brings a store of an earlier version to the next one, step by step.</summary>
    public static IEnumerable<string> After(int version) => s_steps.Skip(version);
}
