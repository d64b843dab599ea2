using AstStream.Dsp;
using AstStream.Events.Decoding;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using AstStream.Tests.Dsp;

namespace AstStream.Tests.Streaming;

/// <summary>What a front end notes of what rises above the noise floor, and the windows that it aims at it.</summary>
public class ActivityTests
{
    private static readonly WindowOptions s_options = new(512, 200, 128) { FindsActivity = true, ConfirmsActivity = true };

    [Fact]
    public void Accept_SoundOfASecond_IsNotedEarlyAndWhenItIsOver()
    {
        var parts = Hear(Sound((4.0, 5.0)), s_options, 4_000).Where(p => p.Part is not null).ToList();

        // Columns of 2,560 samples: 4 s is the start of the 25th; of the 31st, too little sounds.
        Assert.Equal(
            [
                new ActivityPart(64_000, 64_000 + (4 * 2_560), ActivityProgress.Early),
                new ActivityPart(64_000, 64_000 + (6 * 2_560), ActivityProgress.Early),
                new ActivityPart(64_000, 64_000 + (6 * 2_560), ActivityProgress.Over),
            ],
            parts.Select(p => p.Part!.Value));
        Assert.All(parts, p => Assert.Equal((PieceState.Waiting, p.CellStart, 64_000 - 2_560), (p.State, p.CellEnd, p.Start)));
        Assert.Equal([16 + 64, 16 + 96, 16 + 96 + 16], parts.Select(p => p.Frames));
    }

    [Fact]
    public void Accept_SoundLongerThanAWindow_IsNotedInParts()
    {
        var parts = Hear(Sound((4.0, 12.0)), s_options, 4_000).Select(p => p.Part).OfType<ActivityPart>().ToList();

        Assert.Equal(
            [
                .. Enumerable.Repeat(ActivityProgress.Early, 6), ActivityProgress.Whole, ActivityProgress.Over
            ],
            parts.Select(p => p.Progress));
        Assert.Equal(64_000 + (32 * 2_560), parts[^1].Start);
        Assert.Equal(parts[^2].End, parts[^1].Start);
    }

    [Fact]
    public void Accept_SoundUntilTheEnd_IsOverThere()
    {
        var pieces = Hear(Sound((9.0, 10.0)), s_options, 4_000);
        var over = Assert.Single(pieces, p => p.Part?.Progress == ActivityProgress.Over);

        Assert.InRange(over.Part!.Value.End, 157_000, 160_000);
        Assert.Equal(PieceState.End, pieces[^1].State);
    }

    [Fact]
    public void Accept_BlocksOfAnyLength_GiveTheSamePieces()
    {
        var sound = Sound((0.0, 0.4), (3.1, 3.9), (5, 9.7));
        var expected = Hear(sound, s_options, sound.Length);
        Assert.True(expected.Count(p => p.Part is not null) > 5);

        foreach (var length in (int[])[160, 1_234, 4_096])
            Assert.Equal(expected, Hear(sound, s_options, length));
    }

    [Fact]
    public void Accept_NotConfirmed_IsNotedWithoutAWindow() =>
        Assert.All(
            Hear(Sound((4.0, 5.0)), s_options with { ConfirmsActivity = false }, 4_000).Where(p => p.Part is not null),
            p => Assert.Equal((PieceState.Noted, 0), (p.State, p.Frames)));

    [Fact]
    public void Accept_StretchedHop_AimsNoWindows() =>
        Assert.All(
            Hear(Sound((4.0, 5.0)), s_options, 4_000, hop: 201).Where(p => p.Part is not null),
            p => Assert.Equal((PieceState.Noted, 0), (p.State, p.Frames)));

    [Fact]
    public void Accept_NobodyAsks_NotesNothing() =>
        Assert.DoesNotContain(Hear(Sound((4.0, 5.0)), new WindowOptions(512, 200, 128), 4_000), p => p.Part is not null);

    /// <summary>Ten seconds of soft noise, loud at some times.</summary>
    private static float[] Sound(params (double From, double To)[] loud)
    {
        var sound = OnlineFbankTests.Noise(loud.Max(l => l.To) > 10 ? 240_000 : 160_000, 3);
        for (var i = 0; i < sound.Length; i++)
            sound[i] *= loud.Any(l => i >= l.From * 16_000 && i < l.To * 16_000) ? 1 : 0.01f;
        return sound;
    }

    private static List<Noted> Hear(float[] sound, WindowOptions options, int blockLength, int? hop = null)
    {
        using var report = new RunReport();
        var scheduler = new WindowScheduler("m", options, new BatchOptions(), TimeProvider.System, report);
        scheduler.AddLane("lane", new Signal());
        var stream = new StreamInfo("s", "s");
        var timeline = scheduler.Open(stream, isLive: false);
        timeline.EffectiveHop = hop ?? options.HopFrames;
        using var frontEnd = new StreamFrontEnd(new OnlineFbank(), 16_000, [new WindowCutter(timeline, scheduler)]);
        var scratch = new float[1_000];
        for (var at = 0; at < sound.Length; at += blockLength)
        {
            var block = AudioBlock.Rent(stream, at, 16_000, Math.Min(blockLength, sound.Length - at));
            sound.AsSpan(at, block.Samples.Length).CopyTo(block.Samples);
            frontEnd.Accept(block, scratch);
            block.Return();
        }

        var end = AudioBlock.Mark(stream, MessageKind.End, sound.Length, 16_000);
        frontEnd.Accept(end, scratch);
        end.Return();
        List<Noted> noted = [.. timeline.Items.Select(p => new Noted(p.State, p.Part, p.Start, p.Frames, p.CellStart, p.CellEnd))];
        scheduler.Close();
        return noted;
    }

    private sealed record Noted(PieceState State, ActivityPart? Part, long Start, int Frames, long CellStart, long CellEnd);
}
