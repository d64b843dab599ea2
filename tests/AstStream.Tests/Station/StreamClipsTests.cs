using AstStream.Events;
using AstStream.Station.Clips;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Station;

/// <summary>Which sound becomes clips: events' with their surroundings, none that is private.</summary>
public class StreamClipsTests
{
    private const int Rate = 48_000; // of the stream: three samples for one of the model's
    private const int Window = 16_000; // the model's samples
    private const int Hop = 8_000;

    private readonly Files _files = new();
    private readonly SoundMemory _memory = new(64 << 20);
    private readonly StreamInfo _stream = new("yard", "mic");
    private readonly ClipOptions _options = new();

    [Fact]
    public void Take_AnEvent_PutsEachOfItsSamplesIntoTheClip()
    {
        var clips = Make();
        var click = (int)(7.25 * Rate) + 1;

        Play(clips, seconds: 20, (at, _) => at == click ? 0.5f : 0, decided: d =>
        {
            if (d == 10)
                clips.Take(Event("a", EventState.Opened, 7.25, 10));
            if (d == 12)
                clips.Take(Event("a", EventState.Closed, 7.25, 9.5));
        });

        var clip = Assert.Single(_files.Done);
        Assert.Equal((long)(4.25 * Rate), clip.Clip.Start);
        Assert.Equal((int)(8.25 * Rate), clip.Samples.Count); // 3 s, the event's 2.25 s, 3 s
        Assert.Equal([click - (int)clip.Clip.Start], clip.Samples.Index().Where(s => s.Item != 0).Select(s => s.Index));
        Assert.Equal(16_384, clip.Samples[click - (int)clip.Clip.Start]);
    }

    [Fact]
    public void Take_AnEvent_KeepsHowItsTimeWasScored()
    {
        var clips = Make();

        Play(clips, seconds: 20, (_, _) => 0.1f, decided: d =>
        {
            if (d == 10)
                clips.Take(Event("a", EventState.Opened, 7, 10));
            if (d == 12)
                clips.Take(Event("a", EventState.Closed, 7, 10));
        }, speech: (8, 10));

        var clip = Assert.Single(_files.Done).Clip; // from 4 to 13 s
        var curve = Assert.Single(clip.Scores);
        Assert.Equal(("model", "Dog"), (curve.Model, curve.Label));
        Assert.Equal(18, curve.Times.Count(t => t is > 4 and < 13)); // windows of half a second
        Assert.All(curve.Times.Zip(curve.Scores), p => Assert.Equal(p.First is > 7.5 and < 10.5 ? 0.7f : 0.1f, p.Second));
    }

    [Fact]
    public void Take_EventsThatOverlap_ShareOneClip()
    {
        var clips = Make();

        Play(clips, seconds: 30, (_, _) => 0.1f, decided: d =>
        {
            if (d == 8)
                clips.Take(Event("a", EventState.Opened, 6, 8));
            if (d == 9)
                clips.Take(Event("b", EventState.Opened, 7, 9, "Cat"));
            if (d == 10)
                clips.Take(Event("a", EventState.Closed, 6, 9));
            if (d == 14)
                clips.Take(Event("b", EventState.Closed, 7, 13, "Cat"));
            if (d == 18)
            {
                clips.Take(Event("c", EventState.Opened, 15.5, 16)); // its pre-roll lies in the clip's post-roll
                clips.Take(Event("c", EventState.Closed, 15.5, 16));
            }
        });

        Assert.Equal([["a", "b"], ["c"]], _files.Done.Select(d => d.Clip.Events));
        Assert.Equal(13 * Rate, _files.Done[0].Samples.Count); // from 3 to 16 s
    }

    [Fact]
    public void Take_AnEventThatGoesOn_EndsTheClipAtItsLongest()
    {
        var clips = Make();

        Play(clips, seconds: 90, (_, _) => 0.1f, decided: d =>
        {
            if (d == 8)
                clips.Take(Event("a", EventState.Opened, 6, 8));
            if (d == 75)
                clips.Take(Event("b", EventState.Opened, 74, 75));
            if (d == 80)
                clips.Take(Event("a", EventState.Closed, 6, 79));
        });

        Assert.Equal([["a"], ["b"]], _files.Done.Select(d => d.Clip.Events)); // and none more when it closes
        Assert.Empty(_files.Skipped);
        Assert.Equal(60 * Rate, _files.Done[0].Samples.Count);
    }

    [Fact]
    public void Take_PrivateScoresAfterTheClipBegan_LeavesNoByteOfThatSound()
    {
        // Speech begins at 9 s, when the clip has been open for long; its windows are those that overlap 9 to 12 s.
        var clips = Make(privateLabel: "Speech");

        Play(clips, seconds: 40, (_, second) => second is >= 9 and < 12 ? 0.5f : 0.1f, speech: (9, 12), decided: d =>
        {
            if (d == 7)
                clips.Take(Event("a", EventState.Opened, 6, 8));
            if (d == 10)
                clips.Take(Event("s", EventState.Opened, 9, 10, "Speech"));
            if (d == 15)
                clips.Take(Event("a", EventState.Closed, 6, 14));
        });

        var clip = Assert.Single(_files.Done);
        Assert.Equal(["a"], clip.Clip.Events);
        Assert.DoesNotContain((short)16_384, clip.Samples);
        Assert.False(clip.Clip.IsSpoiled); // nor of what its windows heard besides
        Assert.Equal(14 * Rate, clip.Samples.Count); // 3 to 17 s
        Assert.InRange(clip.Clip.Muted, 3 * Rate, 6 * Rate);
        Assert.Equal(clip.Samples.Count - clip.Clip.Muted, clip.Samples.LongCount(s => s != 0));
    }

    [Fact]
    public void Begin_AnotherModelAfterPrivateSound_KeepsThatSoundHidden()
    {
        var clips = Make(privateLabel: "Speech");

        Play(clips, seconds: 40, (_, second) => second is >= 9 and < 12 ? 0.5f : 0.1f, speech: (9, 12), decided: d =>
        {
            if (d == 7)
                clips.Take(Event("a", EventState.Opened, 6, 8));
            if (d == 15)
                clips.Begin("model", new Vocabulary(["Dog"], Window)); // it has no name for speech
            if (d == 16)
                clips.Take(Event("a", EventState.Closed, 6, 16));
        });

        Assert.DoesNotContain((short)16_384, Assert.Single(_files.Done).Samples);
    }

    [Fact]
    public void Take_PrivacyAndWindowsThatWereLost_KeepsNothingThatNobodyScored()
    {
        var clips = Make(privateLabel: "Speech");

        Play(clips, seconds: 40, (_, second) => second is >= 10 and < 14 ? 0.5f : 0.1f, lost: (9, 15), decided: d =>
        {
            if (d == 8)
                clips.Take(Event("a", EventState.Opened, 6, 8));
            if (d == 16)
                clips.Take(Event("a", EventState.Closed, 6, 15));
        });

        Assert.DoesNotContain((short)16_384, Assert.Single(_files.Done).Samples);
    }

    [Fact]
    public void Take_APrivateWindowThatComesTooLate_SpoilsTheClipThatHasItsSound()
    {
        var clips = Make(privateLabel: "Speech");

        Play(clips, seconds: 40, (_, _) => 0.1f, decided: d =>
        {
            if (d == 8)
                clips.Take(Event("a", EventState.Opened, 6, 8));
            if (d == 18)
                clips.Take(new DecidedPiece
                {
                    Model = "model",
                    State = CoverageState.Analysed,
                    Until = d * 16_000,
                    Start = 7 * 16_000,
                    End = 8 * 16_000,
                    Scores = [0.9f],
                    Thresholds = [0.9f],
                });
            if (d == 20)
                clips.Take(Event("a", EventState.Closed, 6, 19));
        });

        Assert.True(Assert.Single(_files.Done).Clip.IsSpoiled);
    }

    [Fact]
    public void Take_NothingButPrivateSound_HasNoClip()
    {
        var clips = Make(privateLabel: "Speech");

        Play(clips, seconds: 30, (_, _) => 0.5f, speech: (0, 30), decided: d =>
        {
            if (d == 8)
                clips.Take(Event("a", EventState.Opened, 6, 8));
            if (d == 10)
                clips.Take(Event("a", EventState.Closed, 6, 9));
        });

        Assert.True(Assert.Single(_files.Done).Clip is { } c && c.Found <= c.Muted);
    }

    [Fact]
    public void Hear_MoreThanTheMemory_ForgetsTheOldestSoundAndSaysSo()
    {
        var small = new SoundMemory(1 << 20);
        var clips = Make(memory: small);
        var random = new Random(3);

        Play(clips, seconds: 30, (_, _) => random.NextSingle() - 0.5f, decided: d =>
        {
            if (d == 24)
                clips.Take(Event("a", EventState.Opened, 6, 8)); // long gone
        });

        Assert.Equal([ClipSkip.SoundGone], _files.Skipped);
        Assert.Empty(_files.Done);
        Assert.True(clips.Dropped > 0);
        Assert.Equal(0, small.Used); // the stream is over
    }

    [Fact]
    public void Hear_AnotherRate_EndsTheClipThere()
    {
        var clips = Make();
        Play(clips, seconds: 9, (_, _) => 0.1f, isEnd: false, decided: d =>
        {
            if (d == 8)
                clips.Take(Event("a", EventState.Opened, 6, 8));
        });

        using (var block = new Block(_stream, 9 * 16_000L, 16_000, new float[1600]))
            clips.Hear(block.Audio);
        clips.End();

        var clip = Assert.Single(_files.Done);
        Assert.Equal(Rate, clip.Clip.SampleRate);
        Assert.Equal(5 * Rate, clip.Samples.Count); // 3 s to what was decided, 8 s
    }

    private StreamClips Make(string? privateLabel = null, SoundMemory? memory = null)
    {
        var clips = new StreamClips(
            _stream, _options, v => new ModelClasses(
                v.Labels, null, v.Under(privateLabel is null ? [] : [privateLabel]),
                [.. Enumerable.Range(0, v.Labels.Count).Where(c => v.Labels[c] == privateLabel)], v.WindowLength),
            ["model"], memory ?? _memory, _files);
        clips.Begin("model", new Vocabulary(privateLabel is null ? ["Dog", "Cat"] : [privateLabel, "Dog", "Cat"], Window));
        return clips;
    }

    /// <summary>Plays sound in blocks of 100 ms; what is decided lags it by a second.</summary>
    private void Play(
        StreamClips clips, int seconds, Func<long, double, float> sound, Action<int> decided, (int Start, int End)? speech = null,
        (int Start, int End)? lost = null, bool isEnd = true)
    {
        const int block = Rate / 10;
        for (long at = 0; at < (long)seconds * Rate; at += block)
        {
            var start = at;
            using var heard = new Block(
                _stream, at, Rate, [.. Enumerable.Range(0, block).Select(i => sound(start + i, (double)(start + i) / Rate))]);
            clips.Hear(heard.Audio);
            var until = ((at + block) / 3) - Window; // of what is decided
            if (until > 0 && until % Hop == 0)
                Decide(until);
        }

        if (!isEnd)
            return;
        Decide((long)seconds * 16_000);
        clips.Take(new DecidedPiece
        {
            Model = "model",
            State = CoverageState.Analysed,
            Until = seconds * 16_000L,
            Start = 0,
            End = 0,
            IsEnd = true,
        });

        void Decide(long until)
        {
            // The window's cell is its middle; it hears half a hop more on both sides.
            if (until % 16_000 == 0)
                decided((int)(until / 16_000));
            var (start, end) = (until - Hop - ((Window - Hop) / 2), until + ((Window - Hop) / 2));
            var isLost = lost is { } l && until - Hop < l.End * 16_000 && until > l.Start * 16_000;
            var isSpeech = speech is { } s && start < s.End * 16_000 && end > s.Start * 16_000;
            clips.Take(new DecidedPiece
            {
                Model = "model",
                State = isLost ? CoverageState.Lost : CoverageState.Analysed,
                Until = until,
                Start = isLost ? until - Hop : Math.Max(0, start),
                End = isLost ? until : end,
                Scores = isLost ? [] : [isSpeech ? 0.7f : 0.1f],
                Thresholds = [0.9f],
                IsInTurn = true,
            });
        }
    }

    private SoundEvent Event(string id, EventState state, double onset, double offset, string label = "Dog") =>
        new(id, state, _stream, "model", label, onset, offset, 0.9f, 0.8f);

    private sealed class Block : IDisposable
    {
        public Block(StreamInfo stream, long start, int rate, float[] samples)
        {
            Audio = AudioBlock.Rent(stream, start, rate, samples.Length);
            samples.CopyTo(Audio.Samples);
        }

        public AudioBlock Audio { get; }

        public void Dispose() => Audio.Return();
    }

    private sealed class Files : IClipFiles
    {
        private readonly Dictionary<OpenClip, List<short>> _open = [];

        public List<(OpenClip Clip, List<short> Samples)> Done { get; } = [];

        public List<ClipSkip> Skipped { get; } = [];

        public bool TryBegin(OpenClip clip)
        {
            _open[clip] = [];
            return true;
        }

        public void Append(OpenClip clip, short[] samples) => _open[clip].AddRange(samples);

        public void Finish(OpenClip clip) => Done.Add((clip, _open[clip]));

        public void Skip(ClipSkip why) => Skipped.Add(why);
    }
}
