using AstStream.Events.Decoding;
using AstStream.Learning.Evaluation;

namespace AstStream.Tests.Learning;

/// <summary>Worked by hand after the score's definition; an hour of sound.</summary>
public sealed class PsdsTests
{
    private static readonly TimedLabel[] s_reference = [new("a", "dog", 0, 10), new("a", "dog", 20, 30), new("a", "cat", 40, 50)];

    // The second point has another dog (8 of its 10 s), a dog that is a cat, and the cat.
    private static readonly TimedLabel[][] s_points =
    [
        [new("a", "dog", 0, 10)],
        [new("a", "dog", 0, 10), new("a", "dog", 21, 29), new("a", "dog", 42, 48), new("a", "cat", 40, 50)],
    ];

    [Fact]
    public void Make_Scenario1_CountsFalseEventsOnly()
    {
        var psds = Psds.Make(s_reference, s_points, 1, PsdsOptions.Scenario1);

        // At no false events half of the dogs and the cat: 0.75 less a deviation of 0.25. From one an hour on everything.
        Assert.Equal([(0, 0.5), (1, 1)], psds.Curve);
        Assert.Equal(((0.5 * 1) + (1 * 99)) / 100, psds.Score, 1e-12);
    }

    [Fact]
    public void Make_Scenario2_AddsWhatCrossTriggersCost()
    {
        // The wrong dog is one an hour, and one in 10 s of cat, 360 an hour, at half of the cost: 181, beyond the curve's end.
        Assert.Equal(0.5, Psds.Make(s_reference, s_points, 1, PsdsOptions.Scenario2).Score, 1e-12);

        // Without a limit at 100 it is a step there.
        var far = Psds.Make(s_reference, s_points, 1, PsdsOptions.Scenario2 with { MostFalsePerHour = 200 });
        Assert.Equal([(0, 0.5), (181, 1)], far.Curve);
        Assert.Equal(((0.5 * 181) + 19) / 200, far.Score, 1e-12);
    }

    [Fact]
    public void Make_ALabelOfPointsAlone_TriggersNothing()
    {
        TimedLabel[] there = [new("a", "dog", 0, 10), new("a", "knock", 20, 20)];
        TimedLabel[] told = [new("a", "dog", 0, 10)];

        var score = Psds.Make(there, [told], 1, PsdsOptions.Scenario2).Score;

        Assert.Equal(Psds.Make(there, [told], 1, PsdsOptions.Scenario1).Score, score, 1e-12);
    }

    [Theory]
    [InlineData(6.9, 0)] // 69 % of what is there
    [InlineData(7.1, 1)]
    public void Make_WhatIsThereIsFoundByItsShare(double until, double found) =>
        Assert.Equal(found, Psds.Make([new("a", "dog", 0, 10)], [[new("a", "dog", 0, until)]], 1, PsdsOptions.Scenario1).Score);

    [Theory]
    [InlineData(14, 1)] // 10 of 14 s
    [InlineData(15, 0)] // 10 of 15 s: the event is a false one, and finds nothing
    public void Make_AnEventIsFalseByItsShare(double until, double found) =>
        Assert.Equal(found, Psds.Make([new("a", "dog", 0, 10)], [[new("a", "dog", 0, until)]], 1, PsdsOptions.Scenario1).Score);

    [Fact]
    public void Make_PiecesOfOneEvent_FindItTogether() => Assert.Equal(1, Psds.Make(
        [new("a", "dog", 0, 10)], [[new("a", "dog", 0, 4), new("a", "dog", 5, 9)]], 1, PsdsOptions.Scenario1).Score);

    [Fact]
    public void Make_OtherFile_FindsNothing() => Assert.Equal(
        0, Psds.Make([new("a", "dog", 0, 10)], [[new("b", "dog", 0, 10)]], 1, PsdsOptions.Scenario1).Score);

    [Theory]
    [InlineData(EventTiming.Segment)]
    [InlineData(EventTiming.Window)]
    public void Replay_TheSameThreshold_IsTheSame(EventTiming timing)
    {
        EventOptions At(float threshold) => new()
        {
            Timing = timing,
            Thresholds = [threshold, float.PositiveInfinity],
            ReleaseThresholds = [0.8f * threshold, float.PositiveInfinity],
        };
        var random = new Random(7);
        var (strict, lax) = (IEventDecoder.For(At(0.75f)), IEventDecoder.For(At(0.25f)));
        var events = new List<DetectedEvent>();
        var tape = new DecodeTape("a", ["dog", "cat"], strict, new TapeBudget(1 << 20));
        for (var i = 0; i < 60; i++)
        {
            float[] scores = [random.Next(9) / 8f, random.Next(9) / 8f];
            var window = new WindowTime(1000 * i, 1000 * (i + 1), (1000 * i) - 2000, (1000 * i) + 3000);
            var part = new ActivityPart(1000 * i, (1000 * i) + 500, i % 3 == 0 ? ActivityProgress.Early : ActivityProgress.Over);
            tape.Push(window, scores, _ => { });
            tape.Push(part, scores, _ => { });
            lax.Push(window, scores, events.Add);
            lax.Push(part, scores, events.Add);
            if (i == 40)
            {
                tape.Flush(41_500, _ => { });
                lax.Flush(41_500, events.Add);
            }
        }

        tape.Flush(60_000, _ => { });
        lax.Flush(60_000, events.Add);

        Assert.NotEmpty(events);
        Assert.Equal(
            events.Where(e => e.State == AstStream.Events.EventState.Closed)
                .Select(e => new TimedLabel("a", "dog", e.Onset / 16_000.0, e.Offset / 16_000.0)),
            tape.Replay(0.25f));
    }

    [Fact]
    public void Keep_MoreThanTheBudget_IsSaidAndNotKept()
    {
        var budget = new TapeBudget(7);
        var decoder = IEventDecoder.For(new EventOptions { Thresholds = [0.5f], ReleaseThresholds = [0.5f] });
        var tape = new DecodeTape("a", ["dog"], decoder, budget);
        for (var i = 0; i < 4; i++)
        {
            Assert.False(budget.IsOver);
            tape.Push(new WindowTime(10 * i, 10 * (i + 1), 10 * i, 10 * (i + 1)), [1], _ => { });
        }

        Assert.True(budget.IsOver);
    }
}
