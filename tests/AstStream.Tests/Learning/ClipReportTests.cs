using AstStream.Learning.Evaluation;

namespace AstStream.Tests.Learning;

public sealed class ClipReportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ClipReport_WorkedByHand_CountsRanksAndMeans()
    {
        LabelledClip[] clips = [Clip("dog"), Clip("dog"), Clip("cat"), Clip("cow")];
        float[][] scores = [[0.9f, 0.1f, 0, 0], [0.2f, 0.7f, 0.1f, 0], [0.3f, 0.6f, 0.1f, 0], [0.5f, 0.2f, 0.1f, 0.2f]];

        var report = new ClipReport(["dog", "cat", "cow", "pig"], clips, scores);

        Assert.Equal(0.5, report.Top1.Share); // the first and the third
        Assert.Equal(0.75, report.Top3.Share); // the cow's own score is the lowest
        Assert.Equal(["dog", "cat", "cow"], report.Classes.Select(c => c.Label)); // there is no pig
        var dog = report.Classes[0];
        Assert.Equal((2, 0.5, 0.5, ("cat", 1)), (dog.Clips, dog.Recall, dog.Precision, dog.TakenFor));
        Assert.Equal((1 + (2 / 4.0)) / 2, dog.AveragePrecision, 1e-9); // first and last of four
        Assert.Equal(0.5, dog.Auc, 1e-9);
        var cow = report.Classes[2];
        Assert.True(double.IsNaN(cow.Precision)); // never said
        Assert.Equal(1 / 4.0 * 4 / 3, cow.AveragePrecision, 1e-9); // level with two others, above none
        Assert.Equal(report.Classes.Average(c => c.Auc), report.MeanAuc, 1e-12);
    }

    [Fact]
    public void ClipReport_ClipsOfWhichNobodySaidWhetherAClassIsThere_DoNotCountForIt()
    {
        LabelledClip[] clips = [Clip("cat"), Clip("dog") with { Judged = ["dog"] }, Clip("dog")];
        float[][] scores = [[0.1f, 0.7f], [0.2f, 0.9f], [0.6f, 0.3f]];

        var report = new ClipReport(["dog", "cat"], clips, scores);

        var cat = report.Classes.Single(c => c.Label == "cat");
        Assert.Equal((1, 1, 1), (cat.AveragePrecision, cat.Auc, cat.Precision)); // the dog's 0.9 may well be a cat
        Assert.Equal((1, 1), report.At("cat", 0.5));
        Assert.Equal(2, report.Classes.Single(c => c.Label == "dog").Clips);
    }

    [Fact]
    public void ClipReport_ClipOfSeveralLabels_IsRightWithAnyOfThem()
    {
        var report = new ClipReport(["dog", "cat"], [new LabelledClip("x", ["dog", "cat"], "x", "")], [[0.2f, 0.3f]]);
        Assert.Equal(1, report.Top1.Share);
        Assert.Null(report.Classes[0].TakenFor);
    }

    [Fact]
    public void Read_Forms_GiveLabelsGroupsAndFolds()
    {
        Write("esc/meta/esc50.csv", "filename,fold,target,category,esc10,src_file,take\n1-7-A-0.wav,1,0,dog,True,7,A\n\n");
        var esc = Assert.Single(ClipDataset.Read(Path.Combine(_folder, "esc"), Ignore));
        Assert.Equal(Path.Combine(_folder, "esc", "audio", "1-7-A-0.wav"), esc.Path);
        Assert.Equal(("dog", "7", "1"), (esc.Labels[0], esc.Group, esc.Fold));

        Write("own.csv", "File\tLabels\na.wav\tdog;cat\n");
        var own = Assert.Single(ClipDataset.Read(Path.Combine(_folder, "own.csv"), Ignore));
        Assert.Equal((Path.Combine(_folder, "a.wav"), "a.wav", ""), (own.Path, own.Group, own.Fold));
        Assert.Equal(["dog", "cat"], own.Labels);

        Write("sc/yes/ab12_nohash_0.wav", "");
        Write("sc/no/cd34_nohash_1.wav", "");
        Assert.Equal(["no", "yes"], ClipDataset.Read(Path.Combine(_folder, "sc"), Ignore).Select(c => c.Labels[0]));
        Write("sc/testing_list.txt", "yes/ab12_nohash_0.wav\n");
        Assert.Equal("ab12", Assert.Single(ClipDataset.Read(Path.Combine(_folder, "sc"), Ignore)).Group);
        Assert.Equal("cd34", Assert.Single(ClipDataset.Read(Path.Combine(_folder, "sc"), Ignore, isTraining: true)).Group);

        Write("quoted.csv", "\"filename\",\"category\"\nb.wav,\"Dishes, pots\"\nc.wav,\"a \"\"b\"\"\"\n");
        Assert.Equal(["Dishes, pots", "a \"b\""], ClipDataset.Read(Path.Combine(_folder, "quoted.csv"), Ignore).Select(c => c.Labels[0]));
    }

    [Theory]
    [InlineData("", "is empty; expected a line that names columns")]
    [InlineData("a,b\n", "found the columns a, b; expected filename or file or path, and category")]
    [InlineData("file,label\n", "names no clip")]
    [InlineData("file,label\na.wav,\n", "t.csv:2: found 'a.wav | '; expected a file in column 1 and a label in column 2")]
    public void Read_BrokenTable_SaysWhatWasExpected(string table, string message)
    {
        Write("t.csv", table);
        var e = Assert.Throws<InvalidTruthException>(() => ClipDataset.Read(Path.Combine(_folder, "t.csv"), Ignore));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_AudioSetsTable_NamesClassesAndFindsTheClipsThatAreThere()
    {
        Write("as/class_labels_indices.csv", """
            index,mid,display_name
            0,/m/09x0r,"Speech"
            1,/m/05zppz,"Male speech, man speaking"
            2,/m/0bt9lr,Dog
            """);
        Write("as/eval_segments.csv", """
            # Segments csv created Sun Mar  5 10:54:25 2017
            # num_ytids=4, num_segs=4, num_unique_labels=3, num_positive_labels=5
            # YTID, start_seconds, end_seconds, positive_labels
            --4gqARaEJE, 0.000, 10.000, "/m/09x0r,/m/05zppz"
            -AbCdEfGhI_, 30.000, 40.000, "/m/0bt9lr"
            YbCdEfGhIjK, 30.000, 40.000, "/m/0bt9lr"
            goneGoneGon, 30.000, 40.000, "/m/0bt9lr"

            """);
        string[] files = ["a/--4gqARaEJE.wav", "a/Y-AbCdEfGhI_.flac", "YbCdEfGhIjK_30000_40000.wav", "goneGoneGon.txt", "b/x.wav"];
        foreach (var file in files)
            Write("as/" + file, "");
        var notes = new List<string>();

        var clips = ClipDataset.Read(Path.Combine(_folder, "as", "eval_segments.csv"), notes.Add);

        Assert.Equal(
            ["--4gqARaEJE.wav Speech|Male speech, man speaking", "Y-AbCdEfGhI_.flac Dog", "YbCdEfGhIjK_30000_40000.wav Dog"],
            clips.Select(c => $"{Path.GetFileName(c.Path)} {string.Join('|', c.Labels)}"));
        Assert.Equal("-AbCdEfGhI_", clips[1].Group);
        Assert.Contains("1 of 4 clips have no sound", Assert.Single(notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x, 0.000, 10.000, \"/m/09x0r\"", null, "classes are named by class_labels_indices.csv; expected that beside it")]
    [InlineData("x, 0.000, 10.000, \"/m/09x0r\"", "0,/m/09x0r,Speech", "none of its 1 clips is there; expected their sound below")]
    [InlineData("x, 0.000, 10.000, \"/m/1\"", "0,/m/09x0r,Speech", "t.csv:2: found the class /m/1, which class_labels_indices.csv does")]
    [InlineData("x, 0.000, 10.000, \"\"", "0,/m/09x0r,Speech", "t.csv:2: found 'x, 0.000, 10.000, \"\"'; expected VIDEO, start, end")]
    [InlineData("x, /m/09x0r", "0,/m/09x0r,Speech", "t.csv:2: found 'x, /m/09x0r'; expected VIDEO, start, end")]
    [InlineData("x, 0.000, 10.000, \"/m/09x0r\"", "Speech", "class_labels_indices.csv:2: found 'Speech'; expected index,class,\"name\"")]
    public void Read_BrokenTableOfAudioSets_SaysWhatWasExpected(string row, string? classes, string message)
    {
        Write("t.csv", $"# YTID, start_seconds, end_seconds, positive_labels\n{row}\n");
        if (classes is not null)
            Write("class_labels_indices.csv", $"index,mid,display_name\n{classes}\n");
        var e = Assert.Throws<InvalidTruthException>(() => ClipDataset.Read(Path.Combine(_folder, "t.csv"), Ignore));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    private static void Ignore(string note)
    {
    }

    private static LabelledClip Clip(string label) => new("x", [label], Guid.NewGuid().ToString(), "");

    private void Write(string path, string text)
    {
        path = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
