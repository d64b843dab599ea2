using AstStream.Dsp.Levels;
using AstStream.Station.Levels;
using AstStream.Station.Store;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Station;

/// <summary>Levels of a stream by minute, from its sound to the store.</summary>
public sealed class LevelTests : StoreTrial
{
    private const int Rate = 16_000;

    private readonly List<StoredLevels> _kept = [];

    [Fact]
    public void Hear_SoundOverAMinutesEnd_KeepsEachMinute()
    {
        var stream = Stream(s_start.AddSeconds(50));
        var levels = Measuring(stream);
        Hear(levels, stream, 0, Tone(1, 10));
        Hear(levels, stream, 10 * Rate, Tone(0.1, 30));
        Assert.Single(_kept);
        levels.Hear(AudioBlock.Mark(stream, MessageKind.End, 40 * Rate, Rate));
        levels.End();

        Assert.Equal([s_start, s_start.AddMinutes(1)], _kept.Select(k => k.Minute));
        Assert.Equal([10.0, 30.0], _kept.Select(k => Math.Round(k.Levels.Seconds, 3)));
        Assert.Equal(-3.01, _kept[0].Levels.LAeq, 0.05);
        Assert.Equal(-23.01, _kept[1].Levels.LA90, 0.05);
        Assert.Equal(-23.01, levels.Now!.Value, 0.05);
        Assert.Equal(ThirdOctaves.Count(Rate), _kept[0].Levels.Bands.Count);
    }

    [Fact]
    public void Hear_GainAndCalibration_LevelsAreOfTheSourceInSpl()
    {
        var stream = Stream(s_start);
        (stream.Gain, stream.Calibration) = (20, 120);
        var levels = Measuring(stream);
        Hear(levels, stream, 0, Tone(1, 2));
        levels.End();
        Assert.Equal(-23.01, _kept[0].Levels.LAeq, 0.05);
        Assert.Equal(120, _kept[0].Calibration);
        Assert.Equal(96.99, levels.Now!.Value, 0.05);
    }

    [Fact]
    public void Hear_GapsAndAnotherRate_NothingOfBeforeIsHeardAfter()
    {
        var stream = Stream(s_start);
        var levels = Measuring(stream);
        Hear(levels, stream, 0, Tone(1, 1.05));
        Hear(levels, stream, 20 * Rate, new float[2 * Rate]); // the half piece before the gap is dropped
        Hear(levels, stream, 44_100 * 30, new float[44_100 * 2], 44_100);
        levels.End();
        Assert.Equal([3.0, 2.0], _kept.Select(k => Math.Round(k.Levels.Seconds, 3)));
        Assert.Equal(LevelSummary.Floor, _kept[0].Levels.LA90);
        Assert.Equal(LevelSummary.Floor, _kept[1].Levels.LCpeak);
        Assert.True(_kept[1].Levels.Bands.Count > _kept[0].Levels.Bands.Count);
    }

    [Fact]
    public void Hear_StartUnknownOrHardlyAnything_MinutesAreThoseOfNow()
    {
        var stream = Stream(null);
        var levels = Measuring(stream);
        Hear(levels, stream, 0, Tone(1, 1));
        levels.End();
        Assert.Equal(_time.GetUtcNow().AddSeconds(-1), _kept[0].Minute.AddSeconds(59));
        Hear(levels, stream, Rate, Tone(1, 0.3));
        levels.End();
        Assert.Single(_kept);
    }

    [Fact]
    public void Write_StoreAwayForLong_KeepsAllThatHasRoomAndSaysWhatIsLost()
    {
        var (written, warnings, isAway) = (new List<StoredLevels>(), new List<string>(), true);
        var queue = new LevelQueue(m =>
        {
            if (isAway)
                throw new StoreException("the disk is full");
            written.AddRange(m);
        }, warnings.Add, _time);
        for (var i = 0; i < 50_100; i++)
            queue.Take(Minute(i));
        queue.Write();
        Assert.Equal(["levels of 100 minutes are lost: the store could not be written to for too long",
            "levels can't be written, and wait: the disk is full"], warnings);
        isAway = false;
        queue.Write();
        Assert.Equal(50_000, written.Count);
        Assert.Equal(Enumerable.Range(100, 50_000).Select(i => (double)i), written.Select(w => w.Levels.Seconds));
    }

    [Fact]
    public void Add_TheSameMinuteTwice_TheOneThatHeardMoreHolds()
    {
        var stream = Stream(s_start);
        StoredLevels Of(double seconds, double level, double? calibration) => new(
            stream, s_start, new LevelSummary(seconds, level, level + 20, level + 3, level - 3, [-31.26f, -3276.8f]), calibration);
        using (var writer = StoreWriter.Open(Store, _time))
        {
            writer.Add([Of(30, -40, 100)]);
            writer.Add([Of(20, -10, 100), new StoredLevels(stream, s_start.AddMinutes(1), Of(60, -50, null).Levels, null)]);
            writer.Add([Of(31, -41, 100)]);
        }

        using var reader = StoreReader.Open(Store);
        var minutes = reader.Levels("mic", s_start, s_start.AddMinutes(2), 10);
        Assert.Equal([31, 60], minutes.Select(m => m.Levels.Seconds));
        Assert.Equal([59, -50], minutes.Select(m => m.Levels.LAeq));
        Assert.Equal(["dB SPL", "dBFS"], minutes.Select(m => m.Unit));
        Assert.Equal(68.7f, minutes[0].Levels.Bands[0], 0.01f);
        Assert.Single(reader.Levels("mic", s_start, s_start.AddMinutes(1), 10));
        Assert.Single(reader.Levels("mic", s_start, s_start.AddMinutes(2), 1));
        Assert.Empty(reader.Levels("other", s_start, s_start.AddMinutes(2), 10));
        Assert.Empty(StoreCare.Check(Store).Problems);
    }

    [Fact]
    public void Remove_OldLevels_AreGoneAndEventsStay()
    {
        var stream = Stream(s_start);
        using (var writer = StoreWriter.Open(Store, _time))
        {
            writer.Add([.. Enumerable.Range(0, 5).Select(i => new StoredLevels(stream, s_start.AddMinutes(i), Minute(i).Levels, null))]);
            writer.Add(Event("0a", stream, 1, 2));
            writer.Commit();
            Assert.False(writer.Remove(s_start, s_start.AddMinutes(3)));
        }

        using var reader = StoreReader.Open(Store);
        Assert.Equal(2, reader.Levels("mic", s_start, s_start.AddDays(1), 10).Count);
        Assert.Single(reader.Events(new EventQuery()));
    }

    private static StreamInfo Stream(DateTimeOffset? start) => new("mic", "mic", start);

    private StreamLevels Measuring(StreamInfo stream) => new(stream, hasBands: true, _kept.Add, _time);

    private static StoredLevels Minute(int i) => new(Stream(null), s_start.AddMinutes(i), new LevelSummary(i, 0, 0, 0, 0, []), null);

    private static void Hear(StreamLevels levels, StreamInfo stream, long start, float[] samples, int rate = Rate)
    {
        var block = AudioBlock.Rent(stream, start, rate, samples.Length);
        samples.CopyTo(block.Samples);
        levels.Hear(block);
        block.Return();
    }

    private static float[] Tone(double amplitude, double seconds) =>
        [.. Enumerable.Range(0, (int)(seconds * Rate)).Select(i => (float)(amplitude * Math.Sin(2 * Math.PI * 1000 * i / Rate)))];
}
