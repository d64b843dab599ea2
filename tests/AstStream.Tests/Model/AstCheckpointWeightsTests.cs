using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using FsCheck.Xunit;

namespace AstStream.Tests.Model;

/// <summary>Weights files that are cut, overlapping, or of something else.</summary>
public sealed class AstCheckpointWeightsTests : CheckpointTrial
{
    [Fact]
    public void Open_HeaderLongerThanFile_SaysSo()
    {
        var bytes = File.ReadAllBytes(Weights);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, 1UL << 60);
        File.WriteAllBytes(Weights, bytes);
        AssertFails("the header says that it is 1152921504606846976 bytes long");
    }

    [Fact]
    public void Open_CutFile_SaysSo()
    {
        File.WriteAllBytes(Weights, File.ReadAllBytes(Weights)[..^100]);
        AssertFails("where the file ends");
    }

    [Fact]
    public void Open_TrailingBytes_SaysSo()
    {
        File.WriteAllBytes(Weights, [.. File.ReadAllBytes(Weights), 0, 0]);
        AssertFails("2 bytes after the last tensor");
    }

    [Fact]
    public void Open_OverlappingOffsets_NamesTheTensor()
    {
        var (header, data) = Split();
        header[AstTensors.DistillationToken]!["data_offsets"] = header[AstTensors.ClsToken]!["data_offsets"]!.DeepClone();
        WriteRaw(header, data);
        AssertFails("inside tensor");
    }

    [Fact]
    public void Open_MissingTensor_NamesItWithItsShape()
    {
        Edit("config.json", "num_hidden_layers", "3");
        AssertFails("tensor audio_spectrogram_transformer.encoder.layer.2.attention.attention.query.weight is missing; config.json asks "
            + "for it with shape [48, 48]");
    }

    [Fact]
    public void Open_UnexpectedTensor_NamesIt()
    {
        Edit("config.json", "num_hidden_layers", "1");
        AssertFails("tensor audio_spectrogram_transformer.encoder.layer.1.attention.attention.query.weight is not part of the model");
    }

    [Fact]
    public void Open_WrongShape_NamesFoundAndExpected()
    {
        Edit("config.json", "intermediate_size", "100");
        AssertFails("asks for [100, 48]");
    }

    [Fact]
    public void Open_WrongByteCount_SaysSo()
    {
        var (header, data) = Split();
        header[AstTensors.ClsToken]!["shape"] = new JsonArray(1, 1, 47);
        WriteRaw(header, data);
        AssertFails("96 bytes for shape [1,1,47] in F16; expected 94");
    }

    [Theory]
    [InlineData("F8_E4M3", 96, "tensor audio_spectrogram_transformer.embeddings.cls_token has F8_E4M3 numbers; expected floating-point "
        + "weights")]
    [InlineData("I16", 48, "tensor audio_spectrogram_transformer.embeddings.cls_token has I16 numbers; expected floating-point weights")]
    [InlineData("F4", 48, "dtype F4; expected F64, F32, F16 or BF16")]
    public void Open_OtherDType_SaysSo(string dtype, int elements, string message)
    {
        var (header, data) = Split();
        header[AstTensors.ClsToken]!["dtype"] = dtype;
        header[AstTensors.ClsToken]!["shape"] = new JsonArray(1, 1, elements);
        WriteRaw(header, data);
        if (elements != 48)
            Edit("config.json", "hidden_size", "96");
        AssertFails(dtype == "F8_E4M3" ? "asks for" : message);
    }

    [Theory]
    [InlineData("F32", 4)]
    [InlineData("F64", 8)]
    [InlineData("I64", 8)]
    [InlineData("BOOL", 1)]
    [InlineData("F8_E5M2", 1)]
    public void Open_TensorsOfNoAst_AreNamedAndLeftOut(string dtype, int width)
    {
        var (header, data) = Split();
        header["loss_fct.weight"] = new JsonObject
        {
            ["dtype"] = dtype,
            ["shape"] = new JsonArray(
            3),
            ["data_offsets"] = new JsonArray(data.Length, data.Length + (3 * width))
        };
        WriteRaw(header, [.. data, .. new byte[3 * width]]);

        using var checkpoint = AstCheckpoint.Open(_folder);

        Assert.Contains("left out: loss_fct.weight", Assert.Single(checkpoint.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Float64_IsNarrowed()
    {
        var (header, data) = Split();
        float[] expected;
        using (var half = AstCheckpoint.Open(_folder))
            expected = half.Read(AstTensors.PositionEmbeddings);
        WriteTensors(Weights, header.Where(
            t => t.Key != "__metadata__").Select(t => (t.Key, "F64", t.Value!["shape"]!.AsArray(), Doubles(Slice(t.Value!, data)))));

        using var checkpoint = AstCheckpoint.Open(_folder);

        Assert.Equal("F64", checkpoint.DTypes);
        Assert.Equal(expected, checkpoint.Read(AstTensors.PositionEmbeddings));

        static byte[] Doubles(byte[] halves)
        {
            var doubles = new List<byte>();
            foreach (var half in MemoryMarshal.Cast<byte, Half>(halves))
                doubles.AddRange(BitConverter.GetBytes((double)half));
            return [.. doubles];
        }
    }

    [Theory]
    [InlineData("padding_value", "1.0")]
    [InlineData("feature_size", "2")]
    [InlineData("padding_side", "\"left\"")]
    public void Open_KeysThatTheExtractorNeverUses_AreOfNoConsequence(string key, string value)
    {
        Edit("preprocessor_config.json", key, value);

        AstCheckpoint.Open(_folder).Dispose();
    }

    [Theory]
    [InlineData("""{"a\ud800":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""", "not valid Unicode")]
    [InlineData("""{"a":{"dtype":"\ud800","shape":[],"data_offsets":[0,4]}}""", "not valid Unicode")]
    [InlineData("""{"__metadata__":5}""", "__metadata__ in the header is no object of strings")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,[]],"data_offsets":[0,4]}}""", "a shape of 10 dimensions")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[]],"data_offsets":[0,4]}}""", "shape [[]]; expected whole numbers")]
    [InlineData("""{"a":5}""", "tensor a: expected dtype, shape and two data_offsets")]
    [InlineData("[]", "the header is no JSON object")]
    [InlineData("{", "not valid JSON")]
    public void Open_StrangeHeader_SaysWhatIsWrong(string header, string message)
    {
        File.WriteAllBytes(Weights, [.. BitConverter.GetBytes((ulong)header.Length), .. Encoding.UTF8.GetBytes(header), 0, 0, 0, 0]);
        AssertFails(message);
    }

    [Property(MaxTest = 300)]
    public bool Open_DamagedHeader_OpensOrGivesOneKindOfError(ushort at, byte value)
    {
        var original = File.ReadAllBytes(Weights);
        var bytes = original.ToArray();
        bytes[at % 6000] = value;
        File.WriteAllBytes(Weights, bytes);
        try
        {
            AstCheckpoint.Open(_folder).Dispose();
            return true;
        }
        catch (InvalidCheckpointException)
        {
            return true;
        }
        finally
        {
            File.WriteAllBytes(Weights, original);
        }
    }
}
