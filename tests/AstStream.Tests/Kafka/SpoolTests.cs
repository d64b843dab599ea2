using AstStream.Dsp;
using AstStream.Kafka.Blocks;
using AstStream.Kafka.Producing;
using AstStream.Streaming.Sinks;

namespace AstStream.Tests.Kafka;

public sealed class SpoolTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-spool").FullName;

    private string File => Path.Combine(_folder, "spool.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_WhatWasAddedBeforeItWasClosed_IsTheSameInOrder()
    {
        var block = new BlockFormat(
            BlockEncoding.Raw, new PcmFormat(PcmEncoding.F32, 48_000, 1), 17, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            "one");
        AudioMessage[] messages = [new(3, "yard", [1, 2, 3], block), new(4, "yard", null, null),
            new(9, "gate", [], block with { CaptureTime = null })];
        using (var spool = Spool.Open(File))
            spool.Add(messages);

        using var again = Spool.Open(File);

        var read = again.Read(after: 0, bytes: long.MaxValue);
        Assert.Equal(9, again.Last);
        Assert.Equal(messages.Sum(m => m.Size), again.Size);
        Assert.Equal(messages.Select(m => (m.Number, m.Stream, m.Format)), read.Select(m => (m.Number, m.Stream, m.Format)));
        Assert.Equal(messages.Select(m => m.Value), read.Select(m => m.Value));
        Assert.Equal([4L], again.Read(after: 3, bytes: 1).Select(m => m.Number));
    }

    [Fact]
    public void Trim_TooMuch_DropsTheOldest()
    {
        using var spool = Spool.Open(File);
        spool.Add([.. Enumerable.Range(1, 100).Select(i => new AudioMessage(i, "s", new byte[800], null))]);

        Assert.Equal(Enumerable.Range(1, 50).Select(i => (long)i), spool.Trim(most: 50_000));

        Assert.Equal(Enumerable.Range(51, 50), spool.Read(0, long.MaxValue).Select(m => (int)m.Number));
        Assert.Equal(50_000, spool.Size);
        spool.RemoveTo(100);
        Assert.Equal(0, spool.Size);
        Assert.Empty(spool.Trim(0));
    }

    [Fact]
    public void Open_WhatIsOpenOrBroken_SaysWhy()
    {
        using (var first = Spool.Open(File))
        {
            first.Add([new AudioMessage(1, "s", [1], null)]);
            Assert.Contains("another process", Assert.Throws<SinkException>(() => Spool.Open(File)).Message, StringComparison.Ordinal);
        }

        var broken = Path.Combine(_folder, "broken.db");
        System.IO.File.WriteAllText(broken, new string('x', 10_000));
        Assert.Contains("damaged", Assert.Throws<SinkException>(() => Spool.Open(broken)).Message, StringComparison.Ordinal);
    }
}
