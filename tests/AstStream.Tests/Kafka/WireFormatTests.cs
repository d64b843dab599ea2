using System.Text;
using AstStream.Dsp;
using AstStream.Kafka.Blocks;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Consuming;
using AstStream.Kafka.Transactions;
using Confluent.Kafka;

namespace AstStream.Tests.Kafka;

public class WireFormatTests
{
    private static readonly BlockFormat s_otherwise = new(BlockEncoding.Raw, new PcmFormat(PcmEncoding.S16, 16_000, 1), null, null, "");

    [Fact]
    public void Read_WhatWasWritten_IsTheSame()
    {
        var block = new BlockFormat(
            BlockEncoding.L16, new PcmFormat(PcmEncoding.S16, 44_100, 2), 123_456_789,
            new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(1), "boot-7");

        Assert.Equal(block, BlockFormat.Read(block.ToHeaders(), s_otherwise));
        Assert.Equal(s_otherwise, BlockFormat.Read([], s_otherwise));
    }

    [Theory]
    [InlineData("encoding", "mp3")]
    [InlineData("encoding", "")]
    [InlineData("sample_rate", "0")]
    [InlineData("sample_rate", "999")]
    [InlineData("sample_rate", "1000001")]
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
        var error = Assert.Throws<InvalidBlockException>(
            () => BlockFormat.Read(new Headers { { name, Encoding.UTF8.GetBytes(value) } }, s_otherwise));
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains("expected", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deserialize_FlacFile_GivesItsSamples()
    {
        var (bytes, sound) = (Flac(), Sound());
        var value = Decode(bytes);

        Assert.Null(value.Problem);
        Assert.Equal((22_050, 1), (value.Format.Format.SampleRate, value.Format.Format.Channels));
        Assert.Equal(sound, value.Sound!.Samples.ToArray());
        value.Sound.Return();
    }

    [Fact]
    public void Deserialize_BrokenFlacFile_IsAProblem()
    {
        var bytes = Flac();
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            var broken = bytes[..random.Next(bytes.Length)];
            for (var n = random.Next(3); n > 0 && broken.Length > 4; n--)
                broken[random.Next(4, broken.Length)] ^= (byte)(1 << random.Next(8));
            var value = Decode(broken);
            Assert.NotNull(value.Problem);
            Assert.DoesNotContain(value.Problem, char.IsControl);
        }

        Assert.Contains("fLaC", Decode(new byte[100]).Problem, StringComparison.Ordinal);
        Assert.Contains("max_record", Decode(bytes, maxRecord: bytes.Length + 1).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_AnyBytesInHeaders_GiveAnErrorOrAFormat()
    {
        var random = new Random(1);
        string[] names = [BlockFormat.EncodingHeader, BlockFormat.SampleRateHeader, BlockFormat.ChannelsHeader,
            BlockFormat.FirstSampleHeader, BlockFormat.CaptureTimeHeader, BlockFormat.SessionHeader, "other"];
        for (var i = 0; i < 20_000; i++)
        {
            var headers = new Headers();
            foreach (var name in names.Where(_ => random.Next(2) == 0))
            {
                var bytes = new byte[random.Next(40)];
                random.NextBytes(bytes);
                headers.Add(name,
                    random.Next(10) == 0 ? null : random.Next(2) == 0
                    ? bytes : Encoding.ASCII.GetBytes(random.Next().ToString(System.Globalization.CultureInfo.InvariantCulture)));
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
        var state = new StreamSnapshot(
            "s", "session", ["before"], new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 7, StreamRest.Idle, 8, 9, 16_000, 10,
            new Dictionary<string, byte[]> { ["m"] = [1, 2, 3] });
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

    /// <summary>Half a second of a tone at 22.05 kHz, 16 bits.</summary>
    private static float[] Sound() => [.. Enumerable.Range(0, 11_025).Select(i => MathF.Round(9000 * MathF.Sin(i * 0.05f)) / 32_768)];

    private static byte[] Flac()
    {
        var folder = Directory.CreateTempSubdirectory("aststream-flac").FullName;
        var (wav, flac) = (Path.Combine(folder, "a.wav"), Path.Combine(folder, "a.flac"));
        using (var writer = new WavWriter(wav, 22_050, 1))
            writer.Write(Sound());
        using (var ffmpeg = System.Diagnostics.Process.Start("ffmpeg", ["-v", "error", "-i", wav, "-sample_fmt", "s16", flac]))
            ffmpeg.WaitForExit();
        var bytes = File.ReadAllBytes(flac);
        Directory.Delete(folder, recursive: true);
        return bytes;
    }

    private static BlockValue Decode(byte[] bytes, int maxRecord = 1_000_000)
    {
        var options = new KafkaSourceOptions
        {
            Access = KafkaAccess.To("memory"),
            Topics = ["t"],
            StateTopic = "s",
            Otherwise = s_otherwise with { Encoding = BlockEncoding.Flac },
            MaxRecord = maxRecord
        };
        return new BlockDecoder(options).Deserialize(bytes, isNull: false, new SerializationContext(MessageComponentType.Value, "t", []));
    }

    private static bool Same(StreamSnapshot a, StreamSnapshot b) =>
        (a.Id, a.Session, a.StartTime, a.NeededOffset, a.Rest, a.NeededStart, a.Position, a.SampleRate, a.ReadTo) == (
            b.Id, b.Session, b.StartTime, b.NeededOffset, b.Rest, b.NeededStart, b.Position, b.SampleRate, b.ReadTo);
}
