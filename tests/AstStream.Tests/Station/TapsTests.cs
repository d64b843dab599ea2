using System.Text;
using AstStream.Station.Live;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Station;

public class TapsTests
{
    private const int Blocks = 1000;

    private readonly Taps _taps = new();
    private readonly AudioBlock _block = AudioBlock.Rent(new StreamInfo("porch", "porch"), 0, 16_000, 160);

    [Fact]
    public void Pass_NobodyLooks_AllocatesNothing()
    {
        _taps.Pass(_block);
        var allocated = new long[3];
        for (var turn = 0; turn < allocated.Length; turn++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Blocks; i++)
                _taps.Pass(_block);
            allocated[turn] = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Contains(0, allocated); // the runtime may allocate once on any thread
    }

    [Fact]
    public void Pass_OneWhoIsSlow_MissesSomeAndHearsHowMany()
    {
        var tap = new Tap(new HashSet<TapPoint> { TapPoint.Blocks }, "por*");
        _taps.Add(tap);

        for (var i = 0; i < Blocks + 7; i++)
            _taps.Pass(_block);
        var first = Read(tap);
        _taps.Pass(_block);

        Assert.Equal(Blocks, first.Count);
        Assert.All(first, l => Assert.StartsWith("{\"of\":\"blocks\",\"stream\":\"porch\"", l, StringComparison.Ordinal));
        Assert.Equal(["{\"missed\":7}\n", first[0]], Read(tap));
    }

    [Theory]
    [InlineData(TapPoint.Blocks, "yard")]
    [InlineData(TapPoint.Events, null)]
    public void Pass_WhatNobodyAskedFor_IsNotWritten(object point, string? stream)
    {
        var tap = new Tap(new HashSet<TapPoint> { (TapPoint)point }, stream);
        _taps.Add(tap);

        _taps.Pass(_block);

        Assert.Empty(Read(tap));
    }

    private static List<string> Read(Tap tap)
    {
        var lines = new List<string>();
        while (tap.Lines.TryRead(out var line))
            lines.Add(Encoding.UTF8.GetString(line));
        return lines;
    }
}
