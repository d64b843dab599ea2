using System.Text;
using AstStream.Connectors.Kafka;
using AstStream.Dsp;
using Confluent.Kafka;

namespace AstStream.Tests.Kafka;

public class WireFormatTests
{
    private static readonly BlockFormat s_otherwise = new(BlockEncoding.Raw, new PcmFormat(PcmEncoding.S16, 16_000, 1), null, null, "");

    [Fact]
    public void Read_WhatWasWritten_IsTheSame()
    {
        var block = new BlockFormat(BlockEncoding.L16, new PcmFormat(PcmEncoding.S16, 44_100, 2), 123_456_789, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(1), "boot-7");

        Assert.Equal(block, BlockFormat.Read(block.ToHeaders(), s_otherwise));
        Assert.Equal(s_otherwise, BlockFormat.Read([], s_otherwise));
    }

    [Theory]
    [InlineData("encoding", "mp3")]
    [InlineData("encoding", "")]
    [InlineData("sample_rate", "0")]
    [InlineData("sample_rate", "7999")]
    [InlineData("sample_rate", "192001")]
    [InlineData("sample_rate", "16000.0")]
    [InlineData("sample_rate", "99999999999999999999999")]
    [InlineData("channels", "0")]
    [InlineData("channels", "255")]
    [InlineData("first_sample", "-1")]
    [InlineData("first_sample", "9223372036854775807")]
    [InlineData("first_sample", "")]
    [InlineData("capture_time", "yesterday")]
    public void Read_HeaderThatCannotBeRight_SaysWhichAndWhy(string name, string value)
    {
        var error = Assert.Throws<InvalidBlockException>(() => BlockFormat.Read(new Headers { { name, Encoding.UTF8.GetBytes(value) } }, s_otherwise));
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains("expected", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_AnyBytesInHeaders_GiveAnErrorOrAFormat()
    {
        var random = new Random(1);
        string[] names = [BlockFormat.EncodingHeader, BlockFormat.SampleRateHeader, BlockFormat.ChannelsHeader, BlockFormat.FirstSampleHeader, BlockFormat.CaptureTimeHeader, BlockFormat.SessionHeader, "other"];
        for (var i = 0; i < 20_000; i++)
        {
            var headers = new Headers();
            foreach (var name in names.Where(_ => random.Next(2) == 0))
            {
                var bytes = new byte[random.Next(40)];
                random.NextBytes(bytes);
                headers.Add(name, random.Next(10) == 0 ? null : random.Next(2) == 0 ? bytes : Encoding.ASCII.GetBytes(random.Next().ToString(System.Globalization.CultureInfo.InvariantCulture)));
            }

            try
            {
                var block = BlockFormat.Read(headers, s_otherwise);
                block.Format.Validate("it");
            }
            catch (InvalidBlockException e)
            {
                Assert.DoesNotContain(e.Message, char.IsControl);
            }
        }
    }

    [Fact]
    public void Snapshot_AnyDamage_IsFound()
    {
        var state = new StreamSnapshot("s", "session", ["before"], new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 7, StreamRest.Idle, 8, 9, 16_000, 10, new Dictionary<string, byte[]> { ["m"] = [1, 2, 3] });
        var bytes = state.Write();
        var read = StreamSnapshot.Read(bytes);

        Assert.True(Same(state, read));
        Assert.Equal(["before"], read.Past);
        Assert.Equal([1, 2, 3], read.States["m"]);
        for (var i = 0; i < bytes.Length; i++)
        {
            Assert.Throws<InvalidDataException>(() => StreamSnapshot.Read(bytes[..i]));
            var broken = bytes.ToArray();
            broken[i] ^= 0x10;
            Assert.Throws<InvalidDataException>(() => StreamSnapshot.Read(broken));
        }
    }

    private static bool Same(StreamSnapshot a, StreamSnapshot b) =>
        (a.Id, a.Session, a.StartTime, a.NeededOffset, a.Rest, a.NeededStart, a.Position, a.SampleRate, a.ReadTo) == (b.Id, b.Session, b.StartTime, b.NeededOffset, b.Rest, b.NeededStart, b.Position, b.SampleRate, b.ReadTo);
}
